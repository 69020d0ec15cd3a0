"""Seals and opens as fast as it can, with keys that others rotate: ``rotation_process.py CONFIG``.

Every line of standard input is a sealed text to open, and its answer is another one on standard
output, so that what one process sealed is opened by the others. Each text holds its own name.
"""

import sys

from craton import config
from craton.secrets import load_secret_store

store = load_secret_store(config.settings(["--config-file", sys.argv[1]]))
store.start()
for count, line in enumerate(sys.stdin):
    name, _, sealed = line.strip().partition(" ")
    if sealed:
        assert store.open(sealed, "host", name) == name.encode()
    name = f"{sys.argv[2]}-{count}"
    print(name, store.seal(name.encode(), "host", name), flush=True)
