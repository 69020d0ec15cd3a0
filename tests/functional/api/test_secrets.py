"""Secrets of hosts: what is known of them, their bytes, and who is told."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import tarfile
import zipfile
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from craton.driver import InventoryDriver
from craton.models import Host, Payload, Region, Secret
from craton.secrets.audit import LOGGER
from tests.functional.api.client import Client
from tests.functional.api.conftest import Paths
from tests.functional.secrets.elsewhere import Elsewhere

BYTES = "application/octet-stream"
KEY = Ed25519PrivateKey.generate().private_bytes(
    Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
)
PAYLOADS = {
    "key": KEY,
    "trailing newlines": b"a\n\n\n",
    "no newline": b"a",
    "crlf": b"a\r\nb\r\n",
    "nul": b"\0\1\2\0",
    "not UTF-8": b"\xff\xfe\x80",
    "nothing": b"",
    "a megabyte": os.urandom(2**20),
}


class Host1:
    """A host, and short ways to its secrets."""

    def __init__(self, paths: Paths) -> None:
        self.api = paths.api
        self.region = paths.region
        self.host = paths.host("web1", variables={"key_file": "none", "a": 1})
        self.secrets = f"/v1/secrets/{self.host['id']}"

    def secret(self, payload: bytes | None = None, **fields: Any) -> str:
        made = self.api.post(self.secrets, {"name": "key.pem", "format": "raw", **fields}).json
        path = f"{self.secrets}/{made['id']}"
        if payload is not None:
            self.put(path, payload)
        return path

    def put(self, path: str, payload: bytes, status: int = 204, **headers: str) -> Any:
        answer = self.api.request(
            "PUT", f"{path}/payload", raw=payload, content_type=BYTES, **headers
        )
        assert answer.status_int == status, answer.text
        return answer

    def payload(self, path: str) -> bytes:
        answer: bytes = self.api.get(f"{path}/payload").body
        return answer


@pytest.fixture
def host(paths: Paths) -> Host1:
    return Host1(paths)


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_bytes_out_are_the_bytes_in(host: Host1, payload: bytes) -> None:
    path = host.secret(payload)
    answer = host.api.get(f"{path}/payload")
    assert answer.body == payload
    assert answer.headers["Content-Type"] == BYTES
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["ETag"] == host.api.get(path).headers["ETag"]
    assert host.api.get(path).json["size"] == len(payload)


def test_what_is_known_of_a_secret_shows_no_byte_of_it(host: Host1) -> None:
    path = host.secret(KEY, format="pem", variable="key_file")
    secret = host.api.get(path).json
    assert set(secret) == {
        *("id", "host_id", "region_id", "name", "format", "variable", "size", "sha256", "details"),
        *("revision", "created_at", "updated_at"),
    }
    assert secret["host_id"] == host.host["id"]
    assert secret["region_id"] == host.region
    [block] = secret["details"]["blocks"]
    assert block["type"] == "private key"
    assert block["fingerprint"].startswith("SHA256:")
    listed = host.api.get(host.secrets).json["secrets"]
    assert listed == [secret]
    inner = b"".join(KEY.splitlines()[1:-1]).decode()
    for text in (json.dumps(secret), json.dumps(listed)):
        assert inner[:40] not in text


def test_the_store_holds_no_byte_of_it(host: Host1, driver: InventoryDriver) -> None:
    canary = b"canary-" + os.urandom(12).hex().encode()
    host.secret(canary)
    for kind in (Secret, Payload):
        text = "".join(repr(entity) for entity in driver.scan(kind))
        for form in (canary.decode(), canary.hex(), base64.b64encode(canary).decode()[:20]):
            assert form not in text
    [payload] = driver.scan(Payload)
    assert payload.sealed.startswith("fernet:1:")


def test_a_secret_without_a_payload_has_none(host: Host1) -> None:
    path = host.secret()
    assert host.api.get(path).json["size"] is None
    assert host.api.get(f"{path}/payload", 404).json["kind"] == "payload"


def test_other_bytes_take_the_place_of_the_first(host: Host1, driver: InventoryDriver) -> None:
    path = host.secret(b"one")
    before = host.api.get(path).json
    host.put(path, b"another")
    after = host.api.get(path).json
    assert host.payload(path) == b"another"
    assert after["size"] == 7
    assert after["revision"] != before["revision"]
    assert driver.count(Payload) == 1


def test_a_renamed_secret_still_opens(host: Host1) -> None:
    path = host.secret(b"bytes")
    host.api.patch(path, {"name": "other"})
    assert host.payload(path) == b"bytes"
    secret = host.api.get(path).json
    assert (secret["name"], secret["size"]) == ("other", 5)
    host.api.put(path, {**secret, "name": "third", "size": 77, "sha256": "0" * 64})
    assert host.payload(path) == b"bytes"
    assert host.api.get(path).json["size"] == 5


def test_a_row_that_was_moved_to_another_host_does_not_open(
    host: Host1, paths: Paths, driver: InventoryDriver
) -> None:
    host.secret(b"bytes")
    other = paths.host("web2")["id"]
    moved = (
        f"/v1/secrets/{other}/"
        + host.api.post(f"/v1/secrets/{other}", {"name": "key.pem", "format": "raw"}).json["id"]
    )
    [payload] = driver.scan(Payload)
    driver.create(Payload(secret_id=moved.rpartition("/")[2], sealed=payload.sealed))
    answer = host.api.request("GET", f"{moved}/payload")
    assert answer.status_int == 500
    assert b"bytes" not in answer.body


def test_what_is_no_pem_is_refused_and_not_quoted(host: Host1) -> None:
    path = host.secret(format="pem")
    problem = host.put(path, b"canary is no PEM", 400).json
    assert problem["field"] == "payload"
    assert "canary" not in json.dumps(problem)
    assert host.api.get(path).json["size"] is None
    raw = host.secret(b"no PEM", name="raw")
    assert host.api.request("PATCH", raw, {"format": "pem"}).status_int == 400
    assert host.api.get(raw).json["format"] == "raw"


def test_too_long_or_of_another_type_is_refused(host: Host1) -> None:
    path = host.secret(b"kept")
    host.put(path, bytes(2**20 + 1), 413)
    answer = host.api.request("PUT", f"{path}/payload", raw=b"x", content_type="text/plain")
    assert answer.status_int == 415
    assert host.payload(path) == b"kept"


def test_conditions_are_kept(host: Host1) -> None:
    path = host.secret(b"one")
    old = host.api.get(path).headers["ETag"]
    host.put(path, b"two", If_Match=old)
    host.put(path, b"three", 412, If_Match=old)
    assert host.payload(path) == b"two"
    tag = host.api.get(f"{path}/payload").headers["ETag"]
    assert host.api.get(f"{path}/payload", 304, If_None_Match=tag).body == b""


def test_deleting_takes_the_payload_along(host: Host1, driver: InventoryDriver) -> None:
    path = host.secret(b"bytes")
    host.api.delete(path)
    assert driver.count(Payload) == 0
    host.api.get(path, 404)
    host.secret(b"bytes")
    host.api.delete(f"/v1/hosts/{host.region}/{host.host['id']}", 409)
    host.api.delete(f"/v1/hosts/{host.region}/{host.host['id']}?cascade=true")
    assert driver.count(Payload) == driver.count(Secret) == 0


def test_a_secret_belongs_to_its_host(host: Host1, paths: Paths) -> None:
    id = host.secret(b"bytes").rpartition("/")[2]
    other = paths.host("web2")["id"]
    for part in ("", "/payload"):
        host.api.get(f"/v1/secrets/{other}/{id}{part}", 404)
    host.api.get("/v1/secrets/nowhere", 404)
    host.api.post("/v1/secrets/nowhere", {"name": "x"}, 404)


def test_reading_leaves_a_line_in_the_audit_log(
    host: Host1, caplog: pytest.LogCaptureFixture
) -> None:
    path = host.secret(b"canary")
    with caplog.at_level(logging.INFO, logger=LOGGER):
        answer = host.api.get(f"{path}/payload")
    [record] = [record for record in caplog.records if record.name == LOGGER]
    line = json.loads(record.getMessage())
    assert line["secret_id"] == path.rpartition("/")[2]
    assert line["request_id"] == answer.headers["X-Openstack-Request-Id"]
    assert "canary" not in caplog.text


class TestBundles:
    def members(self, answer: Any) -> dict[str, tuple[int, bytes]]:
        with tarfile.open(fileobj=io.BytesIO(answer.body)) as archive:
            return {
                member.name: (member.mode, archive.extractfile(member).read())  # type: ignore[union-attr]
                for member in archive
            }

    @pytest.mark.parametrize("target", ["ansible", "taskflow"])
    def test_hold_the_bytes_for_the_owner_alone(self, host: Host1, target: str) -> None:
        for name, payload in PAYLOADS.items():
            host.secret(payload, name=name, variable=None)
        bundle = f"/v1/inventory/{host.region}.tgz?target={target}"
        members = self.members(host.api.get(bundle))
        for name, payload in PAYLOADS.items():
            assert members[f"secrets/web1/{name}"] == (0o600, payload)
        told = json.loads(members["manifest.json"][1])
        assert {member["name"] for member in told["members"]} == members.keys() - {"manifest.json"}
        zipped = host.api.get(bundle.replace(".tgz", ".zip"))
        with zipfile.ZipFile(io.BytesIO(zipped.body)) as archive:
            assert set(archive.namelist()) == set(members)
            for name, (mode, content) in members.items():
                assert archive.read(name) == content
                assert archive.getinfo(name).external_attr >> 16 & 0o777 == mode
        assert host.api.get(bundle).body == host.api.get(bundle).body

    def test_tell_hosts_where_the_files_are(self, host: Host1) -> None:
        host.secret(b"bytes", variable="key_file")
        host.secret(None, name="later", variable="not_yet")
        script = host.api.get(f"/v1/inventory/{host.region}.json").json
        expected = "{{ inventory_dir }}/secrets/web1/key.pem"
        assert script["_meta"]["hostvars"]["web1"] == {"a": 1, "key_file": expected}
        variables = f"/v1/hosts/{host.region}/{host.host['id']}/variables?resolved=true"
        assert host.api.get(variables).json == {"a": 1, "key_file": expected}
        explained = host.api.get(f"{variables}&explain=true").json["key_file"]
        assert explained["source"]["kind"] == "secret"
        assert explained["overrides"][0]["kind"] == "host"
        found = f"/v1/hosts/{host.region}?resolved=true&vars=key_file:{expected}"
        assert [one["name"] for one in host.api.get(found).json["hosts"]] == ["web1"]
        found = f"/v1/hosts/{host.region}?resolved=true&vars=key_file:none"
        assert host.api.get(found).json["hosts"] == []

    def test_leave_them_out_when_told(self, host: Host1) -> None:
        plain = f"/v1/inventory/{host.region}.tgz?secrets=omit"
        before = host.api.get(plain)
        host.secret(b"bytes", variable="key_file")
        after = host.api.get(plain)
        assert (after.body, after.headers["ETag"]) == (before.body, before.headers["ETag"])
        assert "secrets/web1/key.pem" in self.members(
            host.api.get(plain.replace("omit", "include"))
        )

    def test_have_another_tag_for_other_bytes(self, host: Host1) -> None:
        bundle = f"/v1/inventory/{host.region}.tgz"
        path = host.secret(b"one")
        tags = [host.api.get(bundle).headers["ETag"]]
        host.api.get(bundle, 304, If_None_Match=tags[0])
        host.put(path, b"two")
        tags.append(host.api.get(bundle, If_None_Match=tags[0]).headers["ETag"])
        host.api.delete(path)
        tags.append(host.api.get(bundle).headers["ETag"])
        assert len(set(tags)) == 3

    def test_have_the_same_tag_whatever_hosts_do_that_are_not_in_it(
        self, host: Host1, paths: Paths
    ) -> None:
        other = paths.host("web2")["id"]
        bundle = f"/v1/inventory/{host.region}.tgz?name=web1"
        host.secret(b"one")
        before = host.api.get(bundle)
        secret = host.api.post(f"/v1/secrets/{other}", {"name": "x", "format": "raw"}).json["id"]
        host.put(f"/v1/secrets/{other}/{secret}", b"two")
        after = host.api.get(bundle)
        assert (after.body, after.headers["ETag"]) == (before.body, before.headers["ETag"])

    def test_are_refused_when_a_secret_does_not_open(
        self, host: Host1, driver: InventoryDriver
    ) -> None:
        host.secret(b"bytes")
        [payload] = driver.scan(Payload)
        broken = payload.sealed[:-3] + ("A" if payload.sealed[-3] != "A" else "B") + "=="
        secret = next(driver.scan(Secret))
        driver.delete(Payload, payload.id)
        driver.create(Payload(secret_id=secret.id, sealed=broken))
        answer = host.api.request("GET", f"/v1/inventory/{host.region}.tgz")
        assert answer.status_int == 500
        assert host.api.get(f"/v1/inventory/{host.region}.tgz?secrets=omit").body

    def test_keep_the_order_of_paths(self, host: Host1, paths: Paths) -> None:
        for name in ("web", "web-1", "web.a", "web1a"):
            id = paths.host(name)["id"]
            for part in ("z", "a"):
                secret = host.api.post(f"/v1/secrets/{id}", {"name": part, "format": "raw"}).json[
                    "id"
                ]
                host.put(f"/v1/secrets/{id}/{secret}", name.encode())
        for target in ("ansible", "taskflow"):
            answer = host.api.get(f"/v1/inventory/{host.region}.tgz?target={target}")
            with tarfile.open(fileobj=io.BytesIO(answer.body)) as archive:
                names = archive.getnames()
            assert names[:-1] == sorted(names[:-1])
            assert sum(name.startswith("secrets/") for name in names) == 8


def test_many_hosts_have_theirs(paths: Paths, driver: InventoryDriver, api: Client) -> None:
    host = Host1(paths)
    region = driver.get(Region, paths.region)
    path = host.secret(b"one", variable="key_file")
    hosts = [driver.create(Host(region_id=region.id, name=f"h{n:04}")) for n in range(600)]
    for number in (0, 499, 500, 599):
        id = hosts[number].id
        secret = api.post(
            f"/v1/secrets/{id}", {"name": "k", "format": "raw", "variable": "key_file"}
        ).json["id"]
        host.put(f"/v1/secrets/{id}/{secret}", f"{number}".encode())
    script = api.get(f"/v1/inventory/{region.id}.json").json["_meta"]["hostvars"]
    assert {name for name, variables in script.items() if "key_file" in variables} == {
        *("web1", "h0000", "h0499", "h0500", "h0599")
    }
    assert host.payload(path) == b"one"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    store = Elsewhere()
    monkeypatch.setattr("craton.api.app.load_secret_store", lambda conf: store)
    return store


class TestWhatIsKeptElsewhere:
    """Nothing is left in a secret store that nobody can open any more."""

    @pytest.fixture
    def host(self, elsewhere: Elsewhere, paths: Paths) -> Host1:
        return Host1(paths)

    def test_goes_with_the_secret(self, host: Host1, elsewhere: Elsewhere) -> None:
        path = host.secret(b"one")
        host.put(path, b"two")
        assert list(elsewhere.kept.values()) == [b"two"]
        host.api.patch(path, {"name": "renamed"})
        assert list(elsewhere.kept.values()) == [b"two"]
        host.api.delete(path)
        assert elsewhere.kept == {}

    @pytest.mark.parametrize("kind", ["host", "region", "tenant"])
    def test_goes_with_what_the_secret_is_below(
        self, host: Host1, paths: Paths, elsewhere: Elsewhere, kind: str
    ) -> None:
        host.secret(b"one")
        other = host.api.post(f"/v1/regions/{paths.tenant}", {"name": "other"}).json["id"]
        stays = host.api.post(f"/v1/hosts/{other}", {"name": "x"}).json["id"]
        secret = host.api.post(f"/v1/secrets/{stays}", {"name": "k", "format": "raw"}).json["id"]
        host.put(f"/v1/secrets/{stays}/{secret}", b"stays")
        id = {"host": host.host["id"], "region": host.region, "tenant": paths.tenant}[kind]
        host.api.delete(f"{paths.collection(kind)}/{id}", 409)
        assert len(elsewhere.kept) == 2
        host.api.delete(f"{paths.collection(kind)}/{id}?cascade=true")
        assert list(elsewhere.kept.values()) == ([] if kind == "tenant" else [b"stays"])

    def test_goes_when_a_write_is_refused(self, host: Host1, elsewhere: Elsewhere) -> None:
        path = host.secret(b"one")
        host.secret(b"two", name="taken")
        assert host.api.request("PATCH", path, {"name": "taken"}).status_int == 409
        assert sorted(elsewhere.kept.values()) == [b"one", b"two"]
