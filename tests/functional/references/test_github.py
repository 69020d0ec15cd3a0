"""Files from GitHub's REST API, played by a server that answers as GitHub's documentation says.

https://docs.github.com/en/rest/commits/commits#get-a-commit
https://docs.github.com/en/rest/repos/contents#get-repository-content
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api (redirects)
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from craton.errors import ConfigurationError, ReferenceUnavailable
from craton.references import References, Wanted
from tests.functional.references.conftest import MakeReferences
from tests.services import tls

FILE = b"ntp: time.example\n"
FIRST, SECOND = "1" * 40, "2" * 40


@dataclass
class Github:
    """One repository, acme/vars, with what it holds at each commit."""

    refs: dict[str, str]
    commits: dict[str, dict[str, bytes]]
    token: str | None = None
    remaining: int = 60
    seen: list[str] = field(default_factory=list)

    def __call__(self, request: tls.Request) -> None:
        self.seen.append(request.path)
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return self._refuse(request, 404, "Not Found")
        if self.remaining == 0:
            return self._refuse(
                request, 403, "API rate limit exceeded", **{"X-RateLimit-Remaining": "0"}
            )
        parts = urlsplit(request.path)
        assert request.headers["X-GitHub-Api-Version"] == "2022-11-28"
        place = "/repos/acme/vars/"
        if parts.path.startswith("/repos/acme/renamed/"):
            target = request.path.replace("/repos/acme/renamed/", "/repositories/1/")
            return request.send(
                status=301, headers={"Location": f"https://{request.headers['Host']}{target}"}
            )
        path = parts.path.replace("/repositories/1/", place)
        if not path.startswith(place):
            return self._refuse(request, 404, "Not Found")
        kind, _, rest = path.removeprefix(place).partition("/")
        if kind == "commits":
            return self._commit(request, unquote(rest))
        return self._contents(request, unquote(rest), parse_qs(parts.query).get("ref", [""])[0])

    def _commit(self, request: tls.Request, ref: str) -> None:
        commit = self.refs.get(ref)
        if commit is None:
            return self._refuse(request, 422, f"No commit found for SHA: {ref}")
        etag = f'"{commit}"'
        if request.headers.get("If-None-Match") == etag:
            return request.send(status=304, headers={"ETag": etag})
        assert request.headers["Accept"] == "application/vnd.github.sha"
        self.remaining -= 1
        kind = "application/vnd.github.sha; charset=utf-8"
        return request.send(commit.encode(), headers={"ETag": etag, "Content-Type": kind})

    def _contents(self, request: tls.Request, path: str, ref: str) -> None:
        self.remaining -= 1
        files = self.commits.get(ref, {})
        assert request.headers["Accept"] == "application/vnd.github.raw+json"
        if path in files:
            kind = "application/vnd.github.raw+json; charset=utf-8"
            return request.send(files[path], headers={"Content-Type": kind})
        if any(name.startswith(f"{path}/") for name in files):
            listing = [{"type": "file", "name": name} for name in files]
            kind = "application/json; charset=utf-8"
            return request.send(json.dumps(listing).encode(), headers={"Content-Type": kind})
        return self._refuse(request, 404, "Not Found")

    def _refuse(self, request: tls.Request, status: int, message: str, **headers: str) -> None:
        request.send(json.dumps({"message": message}).encode(), status, headers)


@pytest.fixture
def github(server: tls.Server) -> Github:
    github = Github(
        refs={"HEAD": FIRST, "main": FIRST, "team/x": FIRST, FIRST: FIRST, SECOND: SECOND},
        commits={
            FIRST: {"group_vars/web é.yml": FILE},
            SECOND: {"group_vars/web é.yml": b"other: 1\n"},
        },
    )
    server.answer(github)
    return github


@pytest.fixture
def references(make: MakeReferences, server: tls.Server) -> References:
    # The API is exempted by being named; nothing else is.
    return make(max_age=0, allow="", github_api_url=server.url)


URL = "github://acme/vars/group_vars/web%20%C3%A9.yml"


@pytest.mark.parametrize("ref", ["", "?ref=main", "?ref=team/x", "?ref=team%2Fx", f"?ref={FIRST}"])
def test_a_file_comes_with_its_commit(references: References, github: Github, ref: str) -> None:
    [fetched] = references.fetch([Wanted(url=URL + ref)])
    assert (fetched.content, fetched.commit) == (FILE, FIRST)
    assert fetched.sha256 == hashlib.sha256(FILE).hexdigest()


def test_an_unchanged_ref_costs_one_request_that_does_not_count(
    references: References, github: Github
) -> None:
    references.refresh(URL)
    before, github.seen[:] = github.remaining, []
    assert references.refresh(URL).content == FILE
    assert (len(github.seen), github.remaining) == (1, before)
    github.refs["HEAD"] = SECOND
    fetched = references.refresh(URL)
    assert (fetched.content, fetched.commit) == (b"other: 1\n", SECOND)


def test_a_commit_never_has_to_be_asked_for_again(references: References, github: Github) -> None:
    references.refresh(f"{URL}?ref={FIRST}")
    github.seen.clear()
    assert references.refresh(f"{URL}?ref={FIRST}").content == FILE
    assert github.seen == []


def test_a_renamed_repository_is_found(references: References, github: Github) -> None:
    assert references.refresh(URL.replace("/vars/", "/renamed/")).content == FILE


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("github://acme/vars/none.yml", "404"),
        ("github://acme/none/none.yml", "404"),
        ("github://acme/vars/none.yml?ref=none", "422"),
        ("github://acme/vars/group_vars", "not a file"),
    ],
)
def test_what_is_no_file_is_an_error(
    references: References, github: Github, url: str, reason: str
) -> None:
    with pytest.raises(ReferenceUnavailable, match=reason) as caught:
        references.refresh(url)
    assert not caught.value.temporary


def test_the_rate_limit_is_a_temporary_failure(references: References, github: Github) -> None:
    github.remaining = 0
    with pytest.raises(ReferenceUnavailable, match="rate limit") as caught:
        references.refresh(URL)
    assert caught.value.temporary


def test_the_token_comes_from_a_file(
    make: MakeReferences, server: tls.Server, github: Github, tmp_path: Path
) -> None:
    github.token = "s3cret"
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    assert make(github_api_url=server.url, github_token_file=file).refresh(URL).content == FILE
    file.write_text("wr0ng\n")
    with pytest.raises(ReferenceUnavailable, match="404") as caught:
        make(github_api_url=server.url, github_token_file=file).refresh(URL)
    assert "wr0ng" not in repr(caught.value)


def test_the_token_never_follows_a_redirect_to_another_host(
    make: MakeReferences, server: tls.Server, authority: tls.Authority, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    with tls.started(authority) as other:
        server.answer(
            lambda request: request.send(status=301, headers={"Location": f"{other.url}/x"})
        )
        with pytest.raises(ReferenceUnavailable, match="404"):
            make(github_api_url=server.url, github_token_file=file).refresh(URL)
        assert "Authorization" in server.requests[0].headers
        assert ["Authorization" in request.headers for request in other.requests] == [False]


def test_a_server_that_is_not_github_is_an_error(
    references: References, server: tls.Server
) -> None:
    server.answer(lambda request: request.send(b"<html>welcome</html>"))
    with pytest.raises(ReferenceUnavailable, match="not GitHub's API"):
        references.refresh(URL)


def test_a_configuration_that_cannot_work_stops_the_service(
    make: MakeReferences, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="github_api_url"):
        make(github_api_url="http://api.github.com")
    with pytest.raises(ConfigurationError, match="github_token_file"):
        make(github_token_file=tmp_path / "none")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigurationError, match="does not hold a token"):
        make(github_token_file=tmp_path / "empty")
