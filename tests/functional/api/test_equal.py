"""Every backend gives the same answers, ids, revisions and times apart."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from craton.api.app import make_app
from tests import backends
from tests.functional.api.client import Client
from tests.functional.api.conftest import Paths

#: What is another one on each run: ids, revisions, request ids, times, digests.
_OWN = re.compile(
    r"req-[0-9a-f-]{36}|[0-9a-f]{32}(?:-tgz|-zip|-json)?|\b[0-9a-f]{16}\b"
    r"|marker=[\w-]+"
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


def visit(api: Client) -> list[tuple[str, int, dict[str, str], str]]:
    """Use much of the API and return what was answered, own words replaced by their order."""
    seen: dict[str, str] = {}
    answers = []

    def anonymous(text: str) -> str:
        text = _TIME.sub("<time>", text)
        return _OWN.sub(lambda found: seen.setdefault(found[0], f"<{len(seen)}>"), text)

    def send(method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = api.request(method, path, body, raw=None, **headers)
        kept = {
            name: anonymous(answer.headers[name])
            for name in ("Content-Type", "ETag", "Location", "Allow", "Content-Disposition")
            if name in answer.headers
        }
        is_json = "json" in (answer.content_type or "")
        text = answer.text if is_json else hashlib.sha256(answer.body).hexdigest()
        answers.append((f"{method} {anonymous(path)}", answer.status_int, kept, anonymous(text)))
        return answer

    _write(send)
    return answers


def _write(send: Callable[..., Any]) -> None:
    tenant = send("POST", "/v1/tenants", {"name": "Z", "customer": "c"}).json["id"]
    send("POST", "/v1/tenants", {"name": "é", "variables": {"b": 1.0, "a": [1, {"z": 1, "y": 2}]}})
    region = send("POST", f"/v1/regions/{tenant}", {"name": "r", "variables": {"x": 1}}).json["id"]
    paths = Paths(api=None, tenant=tenant, region=region)  # type: ignore[arg-type]
    top = send("POST", paths.groups, {"name": "top", "priority": 5}).json["id"]
    sub = send("POST", paths.groups, {"name": "sub", "parents": [top]}).json["id"]
    host = send("POST", paths.hosts, {"name": "h", "groups": [sub], "ssh_port": 22}).json
    path = f"{paths.hosts}/{host['id']}"
    for name in ("A", "a", "é", "z", "\U0001d4b3", "\ufb00"):
        send("POST", paths.hosts, {"name": name, "asset_id": name, "variables": {"n": name}})
    for query in ("", "?limit=3", "?sort=-name", "?variables=true&vars=n:a", "?group=top",
                  "?asset_id=a&asset_id=A", "?vars=x:1&resolved=true", "?name=H"):  # fmt: skip
        send("GET", f"{paths.hosts}{query}")
    for kind in ("tenant", "region", "group"):
        send("GET", paths.collection(kind))
    send("PATCH", path, {"variables": {"v": {"k": [1, 1.0, None]}}})
    send("PUT", f"{path}/variables/w", "{{ x }}")
    send("GET", f"{path}/variables?resolved=true&explain=true")
    send("GET", f"{path}/variables?resolved=true")
    send("GET", f"{paths.groups}/{top}/hosts?recursive=true")
    send("GET", f"{paths.groups}/{top}/children")
    send("PUT", f"{paths.groups}/{sub}/children/{top}")
    send("DELETE", f"{paths.groups}/{sub}/hosts/{host['id']}")
    send("PUT", f"{paths.groups}/{top}/hosts/{host['id']}")
    send("PUT", path, {"name": "A"}, If_Match="*")
    send("PUT", path, {"name": "new"}, If_Match=f'"{host["revision"]}"')
    send("POST", paths.hosts, {"name": "x", "groups": ["nothing"]})
    send("DELETE", f"/v1/tenants/{tenant}")
    for op, kind, name in (("create", "group", "A"), ("create", "host", "top"), ("x", "host", "")):
        send("POST", paths.batch, {"changes": [{"op": op, "kind": kind, "value": {"name": name}}]})
    send("POST", paths.batch, {"changes": [{"op": "delete", "kind": "group", "id": sub}]})
    send("GET", f"{paths.groups}/{top}")
    for form in ("tgz", "zip", "json", "tgz?target=ansible"):
        send("GET", f"{paths.inventory}.{form}")
    send("POST", paths.inventory, {"_meta": {"hostvars": {"i": {"q": 1}}}, "g": {"hosts": ["i"]}})
    send("GET", f"{paths.inventory}.json")
    send("DELETE", f"/v1/tenants/{tenant}?cascade=true")
    send("GET", path)


def test_all_backends_answer_alike(tmp_path: Path) -> None:
    answers = {}
    for name in dict.fromkeys(("memory", *backends.BACKENDS)):
        with backends.opened(name, tmp_path / name) as driver:
            answers[name] = visit(Client(make_app(driver, driver.settings)))
    reference = answers.pop("memory")
    assert len(reference) > 40
    assert answers
    for name, others in answers.items():
        for expected, found in zip(reference, others, strict=True):
            assert found == expected, name
