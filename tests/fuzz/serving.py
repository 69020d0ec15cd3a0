"""A real server whose fleet is put back again and again, started as a process of its own."""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import suppress
from pathlib import Path

from craton import config
from craton.cmd import service
from craton.driver import InventoryDriver
from craton.errors import CratonError
from craton.secrets import load_secret_store
from tests.fuzz.stage import fleet, put_back

#: How often the fleet is put back, in seconds.
_PAUSE = 2.0


def main(state: Path) -> int:
    """Serve from a directory until a signal ends it; return the exit code."""
    logging.disable(logging.WARNING)
    conf = config.settings(files=[], state_path=str(state), inventory__driver="memory", api__port=0)
    store = load_secret_store(conf)
    store.prepare()
    store.start()
    entities = fleet(store)

    def prepare(driver: InventoryDriver, url: str) -> None:
        put_back(driver, entities)
        print(url, flush=True)
        threading.Thread(target=repeat, args=(driver,), daemon=True).start()

    def repeat(driver: InventoryDriver) -> None:
        while not threading.Event().wait(_PAUSE):
            # What is created meanwhile may stand in the way; the next time it will not.
            with suppress(CratonError):
                put_back(driver, entities)

    return service.serve(conf, service.listen(conf), prepare)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
