"""Nautobot's REST and GraphQL APIs as its own users drive them: with a token and JSON."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import requests

#: Seconds. A thousand objects in one request take their time.
PATIENCE = 120
#: Objects that one request creates, changes or deletes.
_AT_ONCE = 200

Entry = dict[str, Any]


class Refused(AssertionError):
    """Nautobot did not do what a test asked for."""


class Rest:
    """A client with a token; paths are as in ``dcim/devices``.

    Attributes:
        session: What it sends requests through.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.headers.update({"Authorization": f"Token {token}"})

    def __enter__(self) -> Rest:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def send(self, method: str, path: str, **options: Any) -> Any:
        """Send a request and return the answer's JSON, None if it has no body.

        Raises:
            Refused: The answer is not one of success.
        """
        answer = self.session.request(
            method, f"{self.url}/api/{path}/", timeout=PATIENCE, **options
        )
        if not answer.ok:
            raise Refused(f"{method} {path}: {answer.status_code} {answer.text[:2000]}")
        return answer.json() if answer.content else None

    def list(self, path: str, **filters: object) -> Iterator[Entry]:
        """Every object that a filter finds, page by page."""
        offset = 0
        while True:
            page = self.send(
                "GET", path, params={"limit": 1000, "offset": offset, "depth": 0, **filters}
            )
            yield from page["results"]
            offset += len(page["results"])
            if page["next"] is None:
                return

    def one(self, path: str, **filters: object) -> Entry:
        """The one object that a filter finds."""
        (found,) = self.list(path, **filters)
        return found

    def create(self, path: str, **fields: object) -> str:
        """Create an object and return its id."""
        return str(self.send("POST", path, json=fields)["id"])

    def create_all(self, path: str, objects: Iterable[Mapping[str, object]]) -> builtins.list[str]:
        """Create objects in bulk and return their ids, in the same order."""
        return [
            str(entry["id"])
            for batch in _batches(list(objects))
            for entry in self.send("POST", path, json=batch)
        ]

    def change(self, path: str, identity: str, **fields: object) -> None:
        """Change fields of an object."""
        self.send("PATCH", f"{path}/{identity}", json=fields)

    def change_all(self, path: str, objects: Iterable[Mapping[str, object]]) -> None:
        """Change objects in bulk; each names its ``id`` and what becomes different."""
        for batch in _batches(list(objects)):
            self.send("PATCH", path, json=batch)

    def delete(self, path: str, *identities: str) -> None:
        """Delete objects in bulk."""
        for batch in _batches(identities):
            self.send("DELETE", path, json=[{"id": identity} for identity in batch])

    def issue_token(self, *, write: bool = True) -> tuple[str, str]:
        """Make another token of the same user, and return its id and the token itself."""
        made = self.send("POST", "users/tokens", json={"write_enabled": write})
        return made["id"], made["key"]

    def revoke_token(self, identity: str) -> None:
        """Take a token back; the next request with it is refused."""
        self.send("DELETE", f"users/tokens/{identity}")

    def graphql(self, query: str, **variables: object) -> Any:
        """Send a query and return its data.

        Raises:
            Refused: There were errors.
        """
        answer = self.send("POST", "graphql", json={"query": query, "variables": variables})
        if answer.get("errors"):
            raise Refused(str(answer["errors"]))
        return answer["data"]


def _batches(objects: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(objects), _AT_ONCE):
        yield objects[start : start + _AT_ONCE]
