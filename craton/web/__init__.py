"""The web view: the files under ``static``, which a browser reads as they are.

No part of it runs on the server. It is one more client of the REST API: what it shows and does,
every other client can ask for, too.
"""
