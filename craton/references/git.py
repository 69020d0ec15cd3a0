"""``git+https://host/repository@ref#path``: a file in a git repository, by git's smart protocol.

The protocol is dulwich's, over the same session as everything else, so the rules for addresses,
certificates, time and size hold. The program git has resolvers, redirects, helpers, hooks, filters
and settings of its own, each of which would have to be switched off. Of the commit only its trees
are asked for, and then the one file; a server that cannot filter sends the files of the commit too.
Nothing is checked out, so there are no hooks, no submodules and no filters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import urllib3
from dulwich.client import Urllib3HttpGitClient
from dulwich.object_store import ObjectStoreGraphWalker
from dulwich.objects import Commit, ObjectID, Tree
from dulwich.refs import Ref, check_ref_format
from oslo_config import cfg

from craton import __version__
from craton.errors import ConfigurationError, InvalidValue
from craton.references.addresses import AddressRule
from craton.references.allowance import FetchFailed
from craton.references.fetcher import Document, Fetcher
from craton.references.http import Session, check_https, status_failure
from craton.references.options import GROUP
from craton.references.pack import BLOB, COMMIT, TREE, Pack
from craton.references.urls import split

_COMMIT: Final = re.compile(r"[0-9a-f]{40}\Z")
_LARGE_FILE: Final = b"version https://git-lfs.github.com/spec/"
_REGULAR: Final = {0o100644, 0o100755, 0o100664}
_DIRECTORY: Final = 0o40000

#: How much larger the objects of a commit may be than what was sent.
_INFLATION: Final = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a file is.

    Attributes:
        repository: The URL of the repository.
        ref: A branch, a tag, a full name (``refs/…``), a commit, or ``HEAD``.
        path: The names of the directories that lead to the file, and its own.
    """

    repository: str
    ref: str
    path: tuple[str, ...]


class GitFetcher(Fetcher):
    """Fetches from git repositories, and knows by the commit whether there is something new."""

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        super().__init__(settings)
        self._rule = AddressRule(settings.references.allow)
        self._credentials = _read_credentials(settings.references.git_credentials_file)

    @classmethod
    def options(cls) -> dict[str, Sequence[cfg.Opt]]:
        return {
            GROUP: (
                cfg.IntOpt(
                    "git_max_bytes",
                    default=16 * 2**20,
                    min=2**16,
                    help="The most that a git server may send for one file, in bytes: the trees "
                    "of the commit, and where the server cannot leave them out, all its files.",
                ),
                cfg.StrOpt(
                    "git_credentials_file",
                    help="File with credentials for git servers, in the form of git's own "
                    "credential store: a line https://user:password@host for each.",
                ),
            )
        }

    @property
    def traffic(self) -> int:
        return int(self.settings.references.git_max_bytes)

    def check(self, url: str) -> None:
        place_of(url, self._rule)

    def fetch(self, url: str, known: Mapping[str, str], http: Session) -> Document:
        place = place_of(url, self._rule)
        try:
            return self._fetch(place, known, http)
        except FetchFailed:
            raise
        except Exception as error:
            # A hostile server can make the parser fail in ways that nobody has listed.
            raise FetchFailed(
                "is answered by an error, or by what is not git's protocol"
            ) from error

    def _fetch(self, place: Place, known: Mapping[str, str], http: Session) -> Document:
        remote = _Remote(place.repository, _Wire(http, self._credentials))
        commit = remote.commit(place.ref)
        validators = {"commit": commit}
        if validators == known:
            return Document(content=None, commit=commit, validators=validators)
        limit = self.traffic * _INFLATION
        clock = http.allowance.remaining
        pack = Pack(remote.fetch(commit, trees_only=True), limit, clock)
        id = _find(pack, commit, place.path)
        content = pack.find(id, BLOB)
        if content is None:
            content = Pack(remote.fetch(id, trees_only=False), limit, clock).find(id, BLOB)
        if content is None:
            raise FetchFailed("is left out by its git server")
        if content.startswith(_LARGE_FILE):
            raise FetchFailed("is kept in git LFS, from where no files are fetched")
        return Document(content=content, commit=commit, validators=validators)


def place_of(url: str, rule: AddressRule) -> Place:
    """Take a URL apart.

    Raises:
        InvalidValue: It is not of the form of the module's first line.
    """
    if not url.lower().startswith("git+https://"):
        raise InvalidValue("url", "must begin with git+https://; git is fetched in no other way")
    parts = check_https(url[len("git+") :], rule)
    if parts.query is not None:
        raise InvalidValue(
            "url", "must not have a query; write git+https://host/repository@ref#path"
        )
    repository, separator, ref = parts.path.rpartition("@")
    if not separator:
        repository, ref = parts.path, "HEAD"
    ref = unquote(ref)
    if not repository.strip("/") or not parts.fragment:
        raise InvalidValue(
            "url", "must name a repository and a file in it: git+https://host/repository@ref#path"
        )
    if ref != "HEAD" and (
        ref.startswith("-") or not check_ref_format(Ref(f"refs/x/{ref}".encode()))
    ):
        raise InvalidValue("url", "must name a branch, a tag or a commit behind the @")
    # What is no UTF-8 becomes the character that says so, and names nothing.
    path = tuple(unquote(parts.fragment).split("/"))
    if any(name in {"", ".", ".."} or {"\0", "\ufffd"} & {*name} for name in path):
        raise InvalidValue("url", "must name a file behind the # by its path from the top")
    return Place(repository=parts.origin + repository, ref=ref, path=path)


class _Wire:
    """What dulwich takes for a pool of connections: a session with credentials."""

    headers: Mapping[str, str] = {}

    def __init__(self, http: Session, credentials: Mapping[str, Mapping[str, str]]) -> None:
        self._http = http
        self._credentials = credentials

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | Iterable[bytes] | None = None,
        **_: Any,
    ) -> urllib3.BaseHTTPResponse:
        response, found_at = self._http.open(
            method,
            url,
            headers={**headers, "User-Agent": f"git/craton-{__version__}"},
            secrets=self._credentials.get(split(url).origin, {}),
            body=body,
        )
        if response.status != 200:
            response.close()
            raise status_failure(response.status)
        # Anything else would be git's older way, in which a server names other places to ask.
        if not response.headers.get("Content-Type", "").startswith("application/x-git-"):
            response.close()
            raise FetchFailed("is not in a git repository that is served by the smart protocol")
        response.url = found_at
        return response


class _Remote:
    """A repository on a server."""

    def __init__(self, url: str, wire: _Wire) -> None:
        # Thin packs leave out objects that the other side has; this side has none.
        self._client = Urllib3HttpGitClient(url, pool_manager=wire, thin_packs=False)  # type: ignore[arg-type]

    def commit(self, ref: str) -> str:
        """Return the id of the commit to which a ref leads.

        Raises:
            FetchFailed: There is no such ref, or it can be read in two ways.
        """
        if _COMMIT.match(ref):
            return ref
        names = [ref]
        if ref != "HEAD" and not ref.startswith("refs/"):
            names = [f"refs/heads/{ref}", f"refs/tags/{ref}"]
        prefixes = [name.encode() for name in names]
        refs: Mapping[bytes, bytes | None] = self._client.get_refs("", ref_prefix=prefixes).refs  # type: ignore[assignment]
        found = {name: refs[name] for name in prefixes if refs.get(name)}
        if len(found) > 1:
            raise FetchFailed("names what is both a branch and a tag; write refs/heads/… behind @")
        for name, id in found.items():
            # An annotated tag is an object of its own; what it is a tag of stands beside it.
            commit = (refs.get(name + b"^{}") or id or b"").decode()
            if not _COMMIT.match(commit):
                raise FetchFailed("is in a repository whose objects are not named by SHA-1")
            return commit
        raise FetchFailed("names a branch or tag that its repository does not have")

    def fetch(self, id: str, *, trees_only: bool) -> bytes:
        """Return a pack with an object and what belongs to it."""
        pack: list[bytes] = []

        def wanted(refs: Mapping[Ref, ObjectID], depth: int | None = None) -> list[ObjectID]:
            return [ObjectID(id.encode())]

        def take(data: bytes) -> int:
            pack.append(data)
            return len(data)

        self._client.fetch_pack(
            "",
            wanted,
            ObjectStoreGraphWalker([], lambda _: []),
            take,
            depth=1 if trees_only else None,
            ref_prefix=[b"HEAD"],
            filter_spec=b"blob:none" if trees_only else None,
        )
        if not pack:
            raise FetchFailed("names what its git server does not give out")
        return b"".join(pack)


def _find(pack: Pack, commit: str, path: Sequence[str]) -> str:
    """Return the id of the file at a path in a commit."""
    content = pack.find(commit, COMMIT)
    if content is None:
        raise FetchFailed("names what is no commit")
    id: str = Commit.from_string(content).tree.decode()
    mode = _DIRECTORY
    for name in path:
        content = pack.find(id, TREE) if mode == _DIRECTORY else None
        tree = Tree.from_string(content) if content is not None else Tree()
        if name.encode() not in tree:
            raise FetchFailed("names a file that is not in its commit")
        mode, found = tree[name.encode()]
        id = str(found, "ascii")
    if mode not in _REGULAR:
        raise FetchFailed("names what is not a file, but a directory, a link or a submodule")
    return id


def _read_credentials(file: str | None) -> Mapping[str, Mapping[str, str]]:
    """Read git's credential store, as headers by origin."""
    if not file:
        return {}
    try:
        lines = Path(file).read_text().split()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"[references] git_credentials_file: {file}: {error}") from error
    found: dict[str, Mapping[str, str]] = {}
    for number, line in enumerate(lines, 1):
        parts = urlsplit(line)
        if parts.scheme != "https" or not parts.hostname or parts.username is None:
            raise ConfigurationError(
                f"[references] git_credentials_file: line {number} of {file} is not of the form "
                "https://user:password@host"
            )
        user, password = unquote(parts.username), unquote(parts.password or "")
        host = parts.netloc.rpartition("@")[2]
        found[f"https://{host}"] = {
            name.title(): value
            for name, value in urllib3.make_headers(basic_auth=f"{user}:{password}").items()
        }
    return found
