"""What the load works on: hosts behind the REST API, or a driver in this process."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

import requests

from craton.driver import InventoryDriver
from craton.errors import CratonError, Indeterminate, RevisionConflict
from craton.models import Host
from craton.variables import Variables
from tests.faults.chains import Outcome

_WORD = "word"

#: Longer than the service itself takes to give up, in seconds.
_PATIENCE = 30


@dataclass(frozen=True)
class Found:
    """A host as a reader found it."""

    revision: str
    word: str


@dataclass(frozen=True)
class Told:
    """The answer to a write: the new revision or id, if there is one."""

    outcome: Outcome
    name: str = ""
    is_error: bool = False


class Store(ABC):
    """One way to the hosts; each client has its own."""

    @abstractmethod
    def read(self, id: str) -> Found | None:
        """Return a host; ``None`` if the answer was an error."""

    @abstractmethod
    def write(self, id: str, parent: str, word: str) -> Told:
        """Replace a revision of a host."""

    @abstractmethod
    def create(self, name: str) -> Told:
        """Create a host."""


class RestStore(Store):
    """The hosts of a region behind an API server, or behind the next one while that is away."""

    def __init__(self, url: str, region: str) -> None:
        self._hosts = f"{url}/v1/hosts/{region}"
        self._session = requests.Session()

    def read(self, id: str) -> Found | None:
        answer = self._ask("GET", f"{self._hosts}/{id}")
        if answer is None or answer.status_code != 200:
            return None
        host = answer.json()
        return Found(host["revision"], str(host["variables"].get(_WORD, "")))

    def write(self, id: str, parent: str, word: str) -> Told:
        answer = self._ask(
            "PUT",
            f"{self._hosts}/{id}/variables",
            json={_WORD: word},
            headers={"If-Match": f'"{parent}"'},
        )
        if answer is not None and answer.status_code == 200:
            return Told(Outcome.ACKNOWLEDGED, answer.headers["ETag"].strip('"'))
        return _refusal(answer)

    def create(self, name: str) -> Told:
        answer = self._ask(
            "POST", self._hosts, json={"name": name}, headers={"Idempotency-Key": f'"{name}"'}
        )
        if answer is not None and answer.status_code == 201:
            return Told(Outcome.ACKNOWLEDGED, answer.json()["id"])
        return _refusal(answer)

    def _ask(self, method: str, url: str, **more: Any) -> requests.Response | None:
        try:
            return self._session.request(method, url, timeout=_PATIENCE, **more)
        except (requests.RequestException, HTTPException):
            return None


class DriverStore(Store):
    """The hosts of a region in a driver."""

    def __init__(self, driver: InventoryDriver, region: str) -> None:
        self._driver, self._region = driver, region

    def read(self, id: str) -> Found | None:
        host = self._driver.get(Host, id)
        return Found(host.revision, str(host.variables.get(_WORD, "")))

    def write(self, id: str, parent: str, word: str) -> Told:
        try:
            changed = dataclasses.replace(
                self._driver.get(Host, id), variables=Variables({_WORD: word})
            )
            return Told(
                Outcome.ACKNOWLEDGED, self._driver.replace(changed, if_revision=parent).revision
            )
        except Indeterminate:
            return Told(Outcome.UNKNOWN, is_error=True)
        except CratonError as error:
            return Told(Outcome.REFUSED, is_error=not isinstance(error, RevisionConflict))

    def create(self, name: str) -> Told:
        host = self._driver.create(Host(region_id=self._region, name=name))
        return Told(Outcome.ACKNOWLEDGED, host.id)


def _refusal(answer: requests.Response | None) -> Told:
    if answer is None:
        return Told(Outcome.UNKNOWN, is_error=True)
    if answer.status_code in (409, 412):
        return Told(Outcome.REFUSED)
    unknown = answer.status_code == 500 or answer.json().get("code") == "indeterminate"
    return Told(Outcome.UNKNOWN if unknown else Outcome.REFUSED, is_error=True)
