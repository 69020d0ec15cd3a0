"""Serves Barbican's WSGI application: ``barbican_server.py PORT``.

Its configuration is read from the home directory; it does not look at the command line.
"""

import sys
from pathlib import Path

import waitress
from paste.deploy import loadapp

port = int(sys.argv[1])
del sys.argv[1:]

paste = Path(sys.prefix) / "etc/barbican/barbican-api-paste.ini"
waitress.serve(
    loadapp(f"config:{paste}"),
    host="127.0.0.1",
    port=port,
    threads=4,
    max_request_body_size=16 * 2**20,
)
