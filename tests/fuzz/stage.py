"""An application on a small fleet, which is put back once requests have changed it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from craton import config
from craton.api.app import make_app
from craton.driver import InventoryDriver
from craton.models import ChangeRecord, Entity, Record, RegionReference, Tenant
from craton.secrets import SecretStore, load_secret_store
from tests import backends
from tests.functional.every_route import FLEET, secret_and_payload
from tests.fuzz.exchange import Answer, Fault, Request, fault, in_process

#: After so many changes the fleet is put back: often enough that what is asked for is there, and
#: that memory does not grow with what was created.
_CHANGES = 40

#: The fleet, but for what somebody else would have to serve.
_ENTITIES = tuple(entity for entity in FLEET if not isinstance(entity, RegionReference))

#: What ids name in the fleet, by the collection; nothing is called "nothing".
IDS = {
    "tenants": ("t", "nothing"),
    "regions": ("r", "r2", "nothing"),
    "hosts": ("h1", "h2", "h3", "nothing"),
    "groups": ("site", "web", "db", "nothing"),
    "secrets": ("s", "nothing"),
    "references": ("site", "nothing"),
}


class Stage:
    """An application and its fleet.

    Args:
        driver: The store, open.
        name: What its driver is called.
        state: A directory for keys.

    Attributes:
        sent: How many requests were sent.
    """

    def __init__(self, driver: InventoryDriver, name: str, state: Path) -> None:
        # Files are asked for below "invalid", which belongs to nobody (RFC 2606).
        state.mkdir(parents=True, exist_ok=True)
        file = state / "fuzz.conf"
        file.write_text("[references]\ntimeout = 1\n")
        settings = config.settings(files=[str(file)], state_path=str(state), inventory__driver=name)
        store = load_secret_store(settings)
        store.prepare()
        store.start()
        self.application = make_app(driver, settings)
        self.sent = 0
        self._send = in_process(self.application)
        self._driver = driver
        self._fleet = fleet(store)
        self._changes = 0
        self.restore()

    def ask(self, request: Request, longest: float | None = None) -> Answer:
        """Send a request and check its answer.

        Raises:
            Fault: The answer is not what all answers are.
        """
        answer = self._send(request)
        wrong = fault(request.method, answer, longest)
        if wrong:
            raise Fault(f"{wrong}\n{request.curl()}")
        self.note(request.method, answer)
        return answer

    def note(self, method: str, answer: Answer) -> None:
        """Count a request, and put the fleet back when there were many changes."""
        self.sent += 1
        self._changes += method not in {"GET", "HEAD"} and answer.status < 300
        if self._changes >= _CHANGES:
            self.restore()

    def restore(self) -> None:
        """Put the fleet back as it was."""
        self._changes = 0
        put_back(self._driver, self._fleet)


def fleet(store: SecretStore) -> tuple[Entity, ...]:
    """Return the fleet, its secret sealed."""
    return (*_ENTITIES, *secret_and_payload(store))


def put_back(driver: InventoryDriver, entities: Iterable[Entity]) -> None:
    """Make a store hold these entities and no others."""
    for kind in (Tenant, Record, ChangeRecord):
        for one in list(driver.scan(kind)):
            driver.delete(kind, one.id, cascade=kind is Tenant)
    for entity in entities:
        driver.create(entity)


@contextmanager
def opened(name: str, directory: Path) -> Iterator[Stage]:
    """Open a backend of the tests, and stand the application on it."""
    state = directory / name
    with backends.opened(name, state) as driver:
        yield Stage(driver, name, state)
