"""Serves Keystone's WSGI application: ``keystone_server.py PORT``."""

import sys

import waitress

port = int(sys.argv[1])
# Keystone reads the command line when it is imported, and knows none of this.
del sys.argv[1:]

from keystone.wsgi.api import application  # noqa: E402

waitress.serve(application, host="127.0.0.1", port=port, threads=4)
