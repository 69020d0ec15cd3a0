"""Two projects with the same small fleet each, and a third whose ids nothing has.

An id of the fleet of ``every_route`` stands behind ``own-``, ``far-`` or ``nil-``, so that what is
answered about one can be compared with what is answered about another.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from oslo_config import cfg
from webob import Request, Response

from craton import config
from craton.api.app import make_app
from craton.api.errors import Unauthenticated
from craton.api.runs import Runs
from craton.backends.memory.driver import MemoryDriver
from craton.caller import Caller
from craton.driver import InventoryDriver
from craton.models import Entity, RegionReference, Tenant
from craton.secrets import SecretStore, load_secret_store
from craton.variables import Variables
from tests.functional import every_route
from tests.functional.access.documented import ROLES
from tests.functional.every_route import Example

OWN, FAR, NIL = "own-", "far-", "nil-"
PROJECTS = {OWN: "p-own", FAR: "p-far"}

#: Stands in every entity with variables of a world, to be found wherever it gets out.
CANARIES = {prefix: f"{prefix}canary" for prefix in PROJECTS}

CALLERS: dict[str, Caller | None] = {
    "nobody": None,
    **{
        f"{role} of {project}": Caller(user_id=f"{role}-{project}", project_id=project, roles=roles)
        for project in PROJECTS.values()
        for role, roles in {"guest": frozenset[str](), **ROLES}.items()
    },
    # As a token of a domain comes out.
    "admin of no project": Caller(user_id="lost", roles=ROLES["admin"]),
    **{
        f"system {role}": Caller(user_id=f"system-{role}", roles=roles, is_system=True)
        for role, roles in ROLES.items()
    },
}

#: Parts of an answer that are never the same twice.
_OF_ONE_REQUEST = re.compile(rb"req-[0-9a-f-]{36}")
_IDS = re.compile(r"(_id|^id)\Z")
_IN_PATH = re.compile(r"\{(\w+)\}")
_NO_IDS = {"name", "file"}


#: A file that is refused without asking anybody, because of its address.
_UNREACHABLE = RegionReference(
    id="here", region_id="r2", name="here", url="https://127.0.0.1/site.yml"
)


class World:
    """The API on a store with the fleets of two projects, for any caller, with any rules.

    Args:
        directory: Where it keeps what is not in the store.
        driver: The store, open and empty. By default it is in memory, and left as it was by each
            request.
    """

    def __init__(self, directory: Path, driver: InventoryDriver | None = None) -> None:
        self._policy = directory / "policy.yaml"
        self._policy.write_text("{}\n")
        self._clock = 1
        file = directory / "craton.conf"
        file.write_text(f"[oslo_policy]\npolicy_file = {self._policy}\n")
        self.conf = config.settings(
            files=[str(file)], state_path=str(directory), inventory__driver="memory"
        )
        store = load_secret_store(self.conf)
        store.prepare()
        store.start()
        self.driver = driver or _in_memory(self.conf)
        for prefix in PROJECTS:
            for entity in fleet(prefix, store):
                self.driver.create(entity)
        self.caller: Caller | None = None
        self._runs = every_route.RunsOfFleet(PROJECTS)
        self.app = self.served_for(self._identify)

    def served_for(self, identify: Any) -> Any:
        """Return the API for callers that somebody else tells apart."""
        return make_app(self.driver, self.conf, identify, Runs.of(self.conf, self._runs))

    def _identify(self, environ: Mapping[str, Any]) -> Caller:
        if self.caller is None:
            raise Unauthenticated("Test")
        return self.caller

    @property
    def memory(self) -> MemoryDriver:
        """The store, of a world that has it in memory."""
        assert isinstance(self.driver, MemoryDriver)
        return self.driver

    def ask(
        self, caller: Caller | None, example: Example, *, keep: bool = False, **headers: str
    ) -> Response:
        """Send a request, and let the store be as it was unless what it does is to be kept."""
        before = self.driver.state if isinstance(self.driver, MemoryDriver) else None
        self.caller = caller
        content = (
            example.raw
            if example.raw is not None
            else b""
            if example.body is None
            else json.dumps(example.body).encode()
        )
        request = Request.blank(example.path, method=example.method, body=content)
        if content:
            request.content_type = (
                "application/json" if example.raw is None else "application/octet-stream"
            )
        request.headers.update(headers)
        try:
            answer = request.get_response(self.app)
            assert answer.body is not None  # it is made while it is read
            return answer
        finally:
            if before is not None and not keep:
                self.memory.state = before
            self._runs.refill()

    @contextmanager
    def rules(self, **changed: str) -> Iterator[None]:
        """Let an operator's policy file hold some rules until the end of the block."""
        self.write_policy(yaml.safe_dump(changed))
        try:
            yield
        finally:
            self.write_policy("{}\n")

    def write_policy(self, content: str) -> None:
        """Let the operator's policy file be another one."""
        self._policy.write_text(content)
        # Later than any that was seen, however coarse the clock of the file system is.
        self._clock += 1
        moment = self._policy.stat().st_mtime_ns + self._clock * 10**9
        os.utime(self._policy, ns=(moment, moment))


def _in_memory(conf: cfg.ConfigOpts) -> MemoryDriver:
    driver = MemoryDriver(conf)
    driver.open()
    return driver


def fleet(prefix: str, store: SecretStore) -> Iterator[Entity]:
    """Yield the fleet of one project, parents first."""
    for entity in (*every_route.FLEET, _UNREACHABLE):
        yield _moved(entity, prefix)
    secret, payload = every_route.secret_and_payload(store)
    yield _moved(secret, prefix)
    moved = _moved(payload, prefix)
    sealed = store.seal(every_route.CONTENT, f"{prefix}h1", "key")
    yield dataclasses.replace(moved, sealed=sealed)  # type: ignore[call-arg]


def _moved(entity: Entity, prefix: str) -> Entity:
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(entity):
        value = getattr(entity, field.name)
        if _IDS.search(field.name) and field.name not in {"project_id", "asset_id"}:
            changes[field.name] = value and f"{prefix}{value}"
        elif field.name in {"groups", "parents"}:
            changes[field.name] = tuple(f"{prefix}{id}" for id in value)
        elif field.name == "variables":
            changes[field.name] = Variables({**value, "canary": CANARIES[prefix]})
    if isinstance(entity, Tenant):
        changes |= {"name": f"{prefix}{entity.name}", "project_id": PROJECTS[prefix]}
    return dataclasses.replace(entity, **changes)


def names_in(route: str) -> list[str]:
    """Return the segments of a route that hold ids, in its order."""
    return [name for name in _IN_PATH.findall(route) if name not in _NO_IDS]


def placed(example: Example, prefixes: Mapping[str, str] | str) -> Example:
    """Return an example with its ids behind prefixes, by the name of the segment or all alike.

    What a body names is of the world of the first segment.
    """
    path, question, query = example.path.partition("?")
    segments = path.split("/")
    first = OWN
    for index, segment in enumerate(example.route.split("/")):
        name = next(iter(_IN_PATH.findall(segment)), None)
        if name is None or name in _NO_IDS:
            continue
        prefix = prefixes if isinstance(prefixes, str) else prefixes[name]
        first = prefix if name == names_in(example.route)[0] else first
        segments[index] = f"{prefix}{segments[index]}"
    body = _body(example, prefixes if isinstance(prefixes, str) else first)
    if example.route.startswith("/v1/inventory/") and "GET" in example.method:
        # Whether there are secrets in it is a question of its own.
        query = f"{query}&secrets=omit" if query else "secrets=omit"
        question = "?"
    return example._replace(path=f"{'/'.join(segments)}{question}{query}", body=body)


def _body(example: Example, prefix: str) -> Any:
    if example.route == "/v1/tenants/{id}" and example.method == "PUT":
        # Another name or project are questions of their own.
        return {"name": f"{prefix}acme", "project_id": PROJECTS.get(prefix), "variables": {"a": 1}}
    if example.route.startswith("/v1/batch"):
        changes = [
            {**change, "id": f"{prefix}{change['id']}"} if "id" in change else change
            for change in example.body["changes"]
        ]
        return {"changes": changes}
    return example.body


def comparable(answer: Response, prefix: str = "") -> tuple[object, ...]:
    """Return an answer as far as it must be the same for two ids that the caller cannot see."""
    headers = sorted(
        (name, value)
        for name, value in answer.headers.items()
        if name.lower() != "x-openstack-request-id"
    )
    body = _OF_ONE_REQUEST.sub(b"req-", answer.body)
    if prefix:
        body = body.replace(prefix.encode(), NIL.encode())
        headers = [(name, value.replace(prefix, NIL)) for name, value in headers]
    return answer.status, headers, body
