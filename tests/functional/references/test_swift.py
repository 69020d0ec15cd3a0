"""Files from a real Swift, with a real Keystone, both behind TLS."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from craton.errors import ConfigurationError, InvalidValue, ReferenceUnavailable
from craton.references import References, Wanted
from tests.functional.references.conftest import MakeReferences
from tests.services import keystone, swift, tls

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("swift")]

FILE = b"ntp: time.example\n"
USER, PROJECT = "craton", "fleet"


class Cloud:
    """Keystone and Swift, and the project whose objects are fetched."""

    def __init__(self, identity: keystone.Keystone, storage: swift.Swift) -> None:
        self.identity, self.storage = identity, storage
        identity.create_user(USER, PROJECT, "member")
        self.project = identity.create_project(PROJECT)
        self._token = identity.token(USER, project=PROJECT)
        self.put("vars")

    def put(self, path: str, content: bytes = b"", **headers: str) -> None:
        self.storage.put(self._token, self.project, path, content, **headers)

    def forward(self, request: tls.Request) -> None:
        """Pass a request on to whom it is for."""
        place = self.identity.url.removesuffix("/v3")
        if request.path.startswith("/v1/"):
            place = self.storage.url
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in {"host", "connection", "content-length"}
        }
        answer = requests.request(
            request.command,
            place + request.path,
            data=request.body(),
            headers=headers,
            stream=True,
            timeout=30,
        )
        body = answer.raw.read(decode_content=False)
        kept = {
            name: value
            for name, value in answer.headers.items()
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}
        }
        request.send(body, answer.status_code, kept)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    directory = tmp_path_factory.mktemp("cloud")
    with (
        keystone.started(directory / "keystone") as identity,
        swift.started(directory / "swift", identity) as storage,
    ):
        yield Cloud(identity, storage)


@pytest.fixture(scope="session")
def front(authority: tls.Authority, cloud: Cloud) -> Iterator[tls.Server]:
    with tls.started(authority) as front:
        cloud.identity.offer("object-store", f"{front.url}/v1/AUTH_$(project_id)s")
        yield front


@pytest.fixture
def configured(
    cloud: Cloud, front: tls.Server, make: MakeReferences, tmp_path: Path
) -> MakeReferences:
    """Make references that may use Swift, though its address is private and not exempted."""
    front.answer(cloud.forward)
    front.requests.clear()

    def configured(password: str = keystone.PASSWORD, **options: object) -> References:
        return make(
            allow="",
            swift=f"""
                auth_type = v3password
                auth_url = {front.url}/v3
                username = {USER}
                password = {password}
                user_domain_name = {keystone.DOMAIN}
                project_name = {PROJECT}
                project_domain_name = {keystone.DOMAIN}
            """,
            **options,
        )

    return configured


def test_an_object_comes_with_its_digest(configured: MakeReferences, cloud: Cloud) -> None:
    cloud.put("vars/group_vars/web%20%C3%A9.yml", FILE)
    [fetched] = configured().fetch([Wanted(url="swift://vars/group_vars/web%20%C3%A9.yml")])
    assert fetched.content == FILE
    assert fetched.sha256 == hashlib.sha256(FILE).hexdigest()


def test_an_object_is_asked_for_by_its_etag_and_with_the_same_token(
    configured: MakeReferences, cloud: Cloud, front: tls.Server
) -> None:
    cloud.put("vars/etag", FILE)
    references = configured()
    references.refresh("swift://vars/etag")
    before = len(front.requests)
    assert references.refresh("swift://vars/etag").content == FILE
    [request] = front.requests[before:]
    assert "If-None-Match" in request.headers
    cloud.put("vars/etag", b"other: 1\n")
    assert references.refresh("swift://vars/etag").content == b"other: 1\n"


def test_a_revoked_token_is_replaced(
    configured: MakeReferences, cloud: Cloud, front: tls.Server
) -> None:
    cloud.put("vars/revoked", FILE)
    references = configured()
    references.refresh("swift://vars/revoked")
    cloud.identity.revoke(front.requests[-1].headers["X-Auth-Token"])
    cloud.put("vars/revoked", b"other: 1\n")
    assert references.refresh("swift://vars/revoked").content == b"other: 1\n"


@pytest.mark.parametrize("path", ["vars/none", "none/none"])
def test_an_object_that_is_not_there_is_an_error(configured: MakeReferences, path: str) -> None:
    with pytest.raises(ReferenceUnavailable, match="404"):
        configured().refresh(f"swift://{path}")


def test_a_wrong_password_is_an_error_that_does_not_tell_it(configured: MakeReferences) -> None:
    with pytest.raises(ReferenceUnavailable, match="Keystone does not give") as caught:
        configured(password="wr0ng").refresh("swift://vars/x")
    assert "wr0ng" not in repr(caught.value)
    assert not caught.value.temporary


def test_a_keystone_that_is_away_is_a_temporary_failure(
    configured: MakeReferences, front: tls.Server
) -> None:
    front.answer(lambda request: request.send(status=503))
    with pytest.raises(ReferenceUnavailable, match="Keystone does not give") as caught:
        configured().refresh("swift://vars/x")
    assert caught.value.temporary


def test_an_object_that_says_it_is_compressed_is_refused(
    configured: MakeReferences, cloud: Cloud
) -> None:
    cloud.put("vars/bomb", gzip.compress(b"a" * 2**20), content_encoding="gzip")
    with pytest.raises(ReferenceUnavailable, match="encoding"):
        configured(max_bytes=2**22).refresh("swift://vars/bomb")


def test_an_object_is_no_larger_than_the_limit(configured: MakeReferences, cloud: Cloud) -> None:
    cloud.put("vars/large", b"a" * 1001)
    with pytest.raises(ReferenceUnavailable, match="is larger than 1000 bytes"):
        configured(max_bytes=1000).refresh("swift://vars/large")


def test_the_token_never_follows_a_redirect_to_another_host(
    configured: MakeReferences, cloud: Cloud, front: tls.Server, authority: tls.Authority
) -> None:
    with tls.started(authority) as other:

        def answer(request: tls.Request) -> None:
            if request.path.startswith("/v1/"):
                request.send(status=302, headers={"Location": f"{other.url}/stolen"})
            else:
                cloud.forward(request)

        front.answer(answer)
        with pytest.raises(ReferenceUnavailable, match="404"):
            configured().refresh("swift://vars/x")
        assert ["X-Auth-Token" in request.headers for request in other.requests] == [False]
        # Only the host that the catalog names is exempted from the rule for addresses.
        front.answer(
            lambda request: (
                request.send(status=302, headers={"Location": f"https://127.0.0.1:{other.port}/"})
                if request.path.startswith("/v1/")
                else cloud.forward(request)
            )
        )
        with pytest.raises(ReferenceUnavailable, match="not on the public internet"):
            configured().refresh("swift://vars/x")
        assert len(other.requests) == 1


def test_swift_that_is_not_configured_is_an_error_at_once(make: MakeReferences) -> None:
    with pytest.raises(InvalidValue, match="not configured"):
        make().check_url("swift://vars/x")


def test_half_a_configuration_stops_the_service(make: MakeReferences) -> None:
    with pytest.raises(ConfigurationError, match="swift"):
        make(swift="auth_type = v3password")
    with pytest.raises(ConfigurationError, match="swift"):
        make(swift="auth_type = no_such_type")
    with pytest.raises(ConfigurationError, match="https"):
        make(swift="auth_type = v3password\nauth_url = http://127.0.0.1:5000/v3")
