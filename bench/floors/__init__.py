"""What the same work costs without Craton: raw SQL on the very database that Craton filled.

A floor has no validation, no filters, no snapshot, no bounded memory and, but for the servers, no
HTTP; the content that it makes is the same.
"""
