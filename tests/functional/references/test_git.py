"""Files from git repositories, by git's own server."""

from __future__ import annotations

import base64
import hashlib
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from craton.errors import ConfigurationError, ReferenceUnavailable
from craton.references import References, Wanted
from tests.functional.references.conftest import MakeReferences
from tests.services import git, tls

FILE = b"ntp: time.example\n"


@pytest.fixture(params=[True, False], ids=["filters", "no-filters"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> git.Repository:
    repository = git.made(tmp_path / "served/team/vars", filters=request.param)
    repository.commit({"group_vars/web/ntp.yml": FILE, "README": b"read me\n"})
    return repository


@pytest.fixture
def backend(server: tls.Server, tmp_path: Path, repository: git.Repository) -> git.Backend:
    backend = git.Backend(tmp_path / "served")
    server.answer(backend)
    return backend


@pytest.fixture
def url(server: tls.Server, backend: git.Backend) -> Callable[..., str]:
    """Make the URL of a file at a ref."""

    def url(ref: str = "main", path: str = "group_vars/web/ntp.yml") -> str:
        at = f"@{ref}" if ref else ""
        return f"git+{server.url}/team/vars{at}#{path}"

    return url


Url = Callable[..., str]


def test_a_file_comes_with_its_commit(
    references: References, repository: git.Repository, url: Url
) -> None:
    [fetched] = references.fetch([Wanted(url=url())])
    assert fetched.content == FILE
    assert fetched.commit == repository.git("rev-parse", "HEAD")
    assert fetched.sha256 == hashlib.sha256(FILE).hexdigest()


def test_a_ref_is_a_branch_a_tag_a_commit_or_head(
    references: References, repository: git.Repository, url: Url
) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.git("tag", "--annotate", "--message", "One", "v1.0")
    repository.git("branch", "team/stable")
    second = repository.commit({"group_vars/web/ntp.yml": b"ntp: other.example\n"})
    for ref, commit in {
        "v1.0": first,
        "team/stable": first,
        "refs/tags/v1.0": first,
        first: first,
        "": second,
        "HEAD": second,
        "main": second,
        "refs/heads/main": second,
    }.items():
        assert references.refresh(url(ref)).commit == commit, ref


def test_nothing_but_the_ref_is_asked_for_while_it_stays(
    references: References, repository: git.Repository, url: Url, backend: git.Backend
) -> None:
    first = references.refresh(url())
    requests = len(backend.traffic)
    again = references.refresh(url())
    assert (again.content, again.commit) == (FILE, first.commit)
    assert len(backend.traffic) - requests == 2
    changed = repository.commit({"group_vars/web/ntp.yml": b"ntp: other.example\n"})
    fetched = references.refresh(url())
    assert (fetched.content, fetched.commit) == (b"ntp: other.example\n", changed)


def test_a_commit_never_has_to_be_asked_for_again(
    references: References, repository: git.Repository, url: Url, backend: git.Backend
) -> None:
    commit = repository.git("rev-parse", "HEAD")
    references.refresh(url(commit))
    requests = len(backend.traffic)
    assert references.refresh(url(commit)).content == FILE
    assert len(backend.traffic) == requests


def test_history_and_other_files_stay_where_they_are(
    make: MakeReferences, repository: git.Repository, url: Url, backend: git.Backend
) -> None:
    noise = random.Random(1)
    repository.commit({"old": noise.randbytes(300_000)})
    repository.commit({"old": b"gone\n", "new": noise.randbytes(100_000)})
    assert make().refresh(url()).content == FILE
    filters = repository.git("config", "uploadpack.allowFilter") == "true"
    assert sum(backend.traffic) < (20_000 if filters else 150_000)


def test_a_repository_full_of_deltas_is_read(
    make: MakeReferences, repository: git.Repository, url: Url
) -> None:
    noise = random.Random(2)
    lines = [f"line_{number}: {noise.random()}\n" for number in range(400)]
    for number in range(5):
        lines[noise.randrange(400)] = f"changed_{number}: {noise.random()}\n"
        text = "".join(lines).encode()
        repository.commit({f"group_vars/g{number}/v.yml": text, f"{number}/x": text * 2})
    repository.git("repack", "-adf", "--depth=50", "--window=50")
    for number in range(5):
        path = f"group_vars/g{number}/v.yml"
        content = (repository.path / path).read_bytes()
        assert make().refresh(url("main", path)).content == content


@pytest.mark.parametrize(
    ("ref", "path", "reason"),
    [
        ("nope", "README", "a branch or tag that its repository does not have"),
        ("1" * 40, "README", "answered by an error"),
        ("0" * 40, "README", "does not give out"),
        ("main", "missing.yml", "a file that is not in its commit"),
        ("main", "README/below", "a file that is not in its commit"),
        ("main", "group_vars", "not a file"),
        ("main", "link", "not a file"),
        ("main", "module", "not a file"),
        ("main", "large", "git LFS"),
        ("twice", "README", "both a branch and a tag"),
    ],
)
def test_what_is_no_file_is_an_error_that_says_so(
    references: References,
    repository: git.Repository,
    url: Url,
    ref: str,
    path: str,
    reason: str,
) -> None:
    (repository.path / "link").symlink_to("/etc/passwd")
    commit = repository.git("rev-parse", "HEAD")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},module")
    (repository.path / "large").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid x\n")
    repository.git("add", "link", "large")
    repository.git("commit", "--quiet", "--message", "Odd")
    repository.git("branch", "twice")
    repository.git("tag", "twice")
    with pytest.raises(ReferenceUnavailable, match=reason):
        references.refresh(url(ref, path))


def test_a_file_is_no_larger_than_the_limit(make: MakeReferences, url: Url) -> None:
    with pytest.raises(ReferenceUnavailable, match="is larger than 10 bytes"):
        make(max_bytes=10).refresh(url())


def test_a_server_sends_no_more_than_the_limit(
    make: MakeReferences, repository: git.Repository, url: Url
) -> None:
    repository.commit({"large": random.Random(3).randbytes(200_000)})
    with pytest.raises(ReferenceUnavailable, match="made its server send more than 65536 bytes"):
        make(git_max_bytes=65536).refresh(url("main", "large"))


def test_a_file_that_unpacks_to_too_much_is_refused(
    make: MakeReferences, repository: git.Repository, url: Url
) -> None:
    repository.commit({"bomb": b"\0" * 2**20})
    with pytest.raises(ReferenceUnavailable, match="in a commit of more than 262144 bytes"):
        make(git_max_bytes=65536, max_bytes=2**22).refresh(url("main", "bomb"))


@pytest.mark.parametrize(
    "target",
    ["http://localhost/x", "file:///etc/passwd", "https://127.0.0.1/x", "https://2130706433/"],
)
def test_a_repository_cannot_lead_elsewhere(
    references: References, server: tls.Server, url: Url, target: str
) -> None:
    file = url()
    server.answer(lambda request: request.send(status=302, headers={"Location": target}))
    with pytest.raises(ReferenceUnavailable, match=r"redirected to a URL that|public internet"):
        references.refresh(file)


def test_a_repository_that_has_moved_is_found(
    references: References, server: tls.Server, url: Url, backend: git.Backend
) -> None:
    def answer(request: tls.Request) -> None:
        if request.path.startswith("/old"):
            request.send(status=301, headers={"Location": request.path.replace("/old", "/team")})
        else:
            backend(request)

    file = url().replace("/team/", "/old/")
    server.answer(answer)
    assert references.refresh(file).content == FILE


def test_a_server_that_drips_meets_the_time_limit(
    make: MakeReferences, server: tls.Server, url: Url
) -> None:
    def answer(request: tls.Request) -> None:
        request.wfile.write(
            b"HTTP/1.1 200 OK\r\n"
            b"Content-Type: application/x-git-upload-pack-advertisement\r\n\r\nfff0"
        )
        while True:
            request.wfile.write(b"0")
            time.sleep(0.02)

    file = url()
    server.answer(answer)
    with pytest.raises(ReferenceUnavailable, match=r"took longer than 0\.5 seconds"):
        make(timeout=0.5).refresh(file)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html", b"<html>"),
        ("text/plain", b"0" * 40 + b"\trefs/heads/main\n"),
        ("application/x-git-upload-pack-advertisement", b"garbage"),
        ("application/x-git-upload-pack-advertisement", b"fffe"),
        ("application/x-git-upload-pack-advertisement", b"001e# service=git-upload-pack\n0000"),
    ],
)
def test_a_server_that_does_not_speak_the_protocol_is_an_error(
    references: References, server: tls.Server, url: Url, kind: str, body: bytes
) -> None:
    file = url()
    server.answer(lambda request: request.send(body, headers={"Content-Type": kind}))
    with pytest.raises(ReferenceUnavailable, match=r"protocol|does not have"):
        references.refresh(file)


def guarded(backend: git.Backend) -> Callable[[tls.Request], None]:
    wanted = "Basic " + base64.b64encode(b"user:s3cret").decode()

    def answer(request: tls.Request) -> None:
        if request.headers.get("Authorization") == wanted:
            backend(request)
        else:
            request.send(status=401, headers={"WWW-Authenticate": "Basic"})

    return answer


def test_credentials_are_those_of_the_server(
    make: MakeReferences, server: tls.Server, url: Url, backend: git.Backend, tmp_path: Path
) -> None:
    file, store = url(), tmp_path / "store"
    server.answer(guarded(backend))
    store.write_text(
        f"https://other:one@example.org\nhttps://user:s3cret@localhost:{server.port}\n"
    )
    assert make(git_credentials_file=store).refresh(file).content == FILE
    store.write_text("https://user:s3cret@localhost\n")
    with pytest.raises(ReferenceUnavailable, match="401") as caught:
        make(git_credentials_file=store).refresh(file)
    assert "s3cret" not in repr(caught.value)


def test_credentials_never_follow_a_redirect_to_another_host(
    make: MakeReferences, server: tls.Server, authority: tls.Authority, url: Url, tmp_path: Path
) -> None:
    file, store = url(), tmp_path / "store"
    store.write_text(f"https://user:s3cret@localhost:{server.port}\n")
    with tls.started(authority) as other:
        server.answer(
            lambda request: request.send(
                status=302, headers={"Location": f"{other.url}{request.path}"}
            )
        )
        with pytest.raises(ReferenceUnavailable, match="404"):
            make(git_credentials_file=store).refresh(file)
        assert "Authorization" in server.requests[-1].headers
        assert ["Authorization" in request.headers for request in other.requests] == [False]


def test_a_credentials_file_that_cannot_be_read_stops_the_service(
    make: MakeReferences, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    with pytest.raises(ConfigurationError, match="git_credentials_file"):
        make(git_credentials_file=store)
    store.write_text("http://user:s3cret@localhost\n")
    with pytest.raises(ConfigurationError, match="line 1") as caught:
        make(git_credentials_file=store)
    assert "s3cret" not in str(caught.value)
