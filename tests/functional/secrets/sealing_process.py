"""Seals, opens and discards what stands on standard input: ``sealing_process.py CONFIG``.

A process of its own, so that a test sees all that it writes, with everything logged. It says what
it did on standard output, and waits for another line of input before it ends.
"""

import logging
import sys
import tempfile
from pathlib import Path

from oslo_log import log

from craton import config
from craton.errors import CratonError
from craton.secrets import load_secret_store

settings = config.settings(["--config-file", sys.argv[1]])
log.setup(settings, "craton", fix_eventlet=False)
# Not only what oslo.log lets through: every logger that there is, or will be.
logging.getLogger().setLevel(1)
for name in list(logging.root.manager.loggerDict):
    logging.getLogger(name).setLevel(1)

payload = bytes.fromhex(sys.stdin.readline())
if "--leak-log" in sys.argv:
    logging.getLogger("anything").debug("request: %r", payload)
if "--leak-file" in sys.argv:
    descriptor, name = tempfile.mkstemp()
    Path(name).write_bytes(payload.hex().encode())

store = load_secret_store(settings)
store.start()
sealed = store.seal(payload, "host", "name")
assert store.open(sealed, "host", "name") == payload
for text, host in ((sealed, "other"), (sealed[:-1] + "!", "host"), ("", "host")):
    try:
        store.open(text, host, "name")
    except CratonError as error:
        logging.getLogger("craton.test").exception("refused: %s %s", error, error.fields)
try:
    store.seal(payload * 30_000, "host", "name")
except CratonError as error:
    logging.getLogger("craton.test").exception("refused: %s %s", error, error.fields)
print(sealed, flush=True)
sys.stdin.readline()
store.discard(sealed)
