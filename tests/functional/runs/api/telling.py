"""Somebody's own Ansible, as the service hears of it: a fleet, a run, and events in numbers."""

from __future__ import annotations

from typing import Any

import requests

from tests.waiting import PATIENCE


class Teller:
    """Announces a run at a service that has nothing yet, and tells of it.

    Attributes:
        url: Where the service is; it may change.
        told: How many events were told.
    """

    def __init__(self, url: str, hosts: int = 3) -> None:
        self.url = url
        self.told = 0
        self._session = requests.Session()
        tenant = self._post("/v1/tenants", {"name": "acme"})["id"]
        self._region = self._post(f"/v1/regions/{tenant}", {"name": "north"})["id"]
        self._names = [f"web{number}" for number in range(hosts)]
        changes = [
            {"op": "create", "kind": "host", "value": {"name": name}} for name in self._names
        ]
        self._post(f"/v1/batch/{self._region}", {"changes": changes})
        self.announce()

    def announce(self) -> str:
        """Begin another run; return its path."""
        body = {"origin": "reported", "playbook": "site.yml", "hosts": self._names}
        self._run = self._post(f"/v1/runs/{self._region}", body)["id"]
        self.told = 0
        return self.run

    @property
    def run(self) -> str:
        """Where the run is."""
        return f"/v1/runs/{self._region}/{self._run}"

    @property
    def events(self) -> str:
        """Where its events are."""
        return f"{self.url}{self.run}/events"

    @property
    def last(self) -> int:
        """The number of its last event: two were there before the first that was told."""
        return self.told + 2

    def tell(self, count: int, message: str = "", end: str | None = None) -> None:
        """Tell so many events at once, and perhaps the end."""
        events = [
            {
                "type": "host.ok",
                "time": "2026-11-22T10:00:00Z",
                "host": self._names[number % len(self._names)],
                "task": f"task {number}",
                "message": message,
            }
            for number in range(self.told + 1, self.told + count + 1)
        ]
        body = {"first": self.told + 1, "events": events, "run_state": end}
        self._post(f"{self.run}/events", body)
        self.told += count + (end is not None)

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self._session.post(f"{self.url}{path}", json=body, timeout=PATIENCE)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None
