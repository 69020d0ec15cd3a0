"""``github://owner/repository/path?ref=``: a file as GitHub's REST API gives it.

The requests and answers are those of GitHub's documentation:
https://docs.github.com/en/rest/commits/commits#get-a-commit (its SHA-1 alone, asked by ETag, which
does not count against the rate limit), and
https://docs.github.com/en/rest/repos/contents#get-repository-content (the file, raw).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from oslo_config import cfg

from craton.errors import ConfigurationError, InvalidValue
from craton.references.allowance import FetchFailed
from craton.references.fetcher import Document, Fetcher
from craton.references.http import Answer, Session, failure
from craton.references.options import GROUP
from craton.references.urls import parts_of, scheme_of, split

_OWNER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\Z")
_REPOSITORY: Final = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}\Z")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}\Z")

#: The version of the API (https://docs.github.com/en/rest/about-the-rest-api/api-versions).
_VERSION: Final = "2022-11-28"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a file is; the path is quoted for a URL."""

    repository: str
    path: str
    ref: str


class GithubFetcher(Fetcher):
    """Fetches from GitHub, or from an Enterprise Server of one's own."""

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        super().__init__(settings)
        options = settings.references
        self._api = options.github_api_url.rstrip("/")
        try:
            if split(self._api).scheme != "https":
                raise InvalidValue("url", "must begin with https://")
        except InvalidValue as error:
            raise ConfigurationError(f"[references] github_api_url: {error.rule}") from error
        self._secrets = _read_token(options.github_token_file)

    @classmethod
    def options(cls) -> dict[str, Sequence[cfg.Opt]]:
        return {
            GROUP: (
                cfg.StrOpt(
                    "github_api_url",
                    default="https://api.github.com",
                    help="Where the REST API of GitHub is, or of an Enterprise Server "
                    "(https://host/api/v3), which may have a private address.",
                ),
                cfg.StrOpt(
                    "github_token_file",
                    help="File with a token for GitHub's REST API. Whoever may create a reference "
                    "can read every file that it opens, so let it open no more than that.",
                ),
            )
        }

    def check(self, url: str) -> None:
        place_of(url)

    def fetch(self, url: str, known: Mapping[str, str], http: Session) -> Document:
        http.exempt(self._api)
        place = place_of(url)
        validators = self._commit(place, known, http)
        commit = validators["commit"]
        if commit == known.get("commit"):
            return Document(content=None, commit=commit, validators=validators)
        answer = self._get(
            f"{place.repository}/contents/{place.path}?ref={commit}",
            {"Accept": "application/vnd.github.raw+json"},
            http,
        )
        if answer.status != 200:
            raise _failure(answer)
        # A directory and a submodule are described, in plain JSON.
        if "raw" not in answer.headers.get("Content-Type", ""):
            raise FetchFailed("names what is not a file, but a directory or a submodule")
        return Document(content=answer.body, commit=commit, validators=validators)

    def _commit(self, place: Place, known: Mapping[str, str], http: Session) -> dict[str, str]:
        if _COMMIT.match(place.ref):
            return {"commit": place.ref}
        headers = {"Accept": "application/vnd.github.sha"}
        if "etag" in known:
            headers["If-None-Match"] = known["etag"]
        ref = quote(place.ref, safe="")
        answer = self._get(f"{place.repository}/commits/{ref}", headers, http)
        if answer.status == 304 and "commit" in known:
            return dict(known)
        if answer.status != 200:
            raise _failure(answer)
        commit = answer.body.decode("ascii", "replace").strip()
        if not _COMMIT.match(commit):
            raise FetchFailed("is answered by something that is not GitHub's API")
        etag = answer.headers.get("ETag")
        return {"commit": commit} | ({"etag": etag} if etag else {})

    def _get(self, path: str, headers: Mapping[str, str], http: Session) -> Answer:
        return http.get(
            f"{self._api}/repos/{path}",
            headers={**headers, "X-GitHub-Api-Version": _VERSION},
            secrets=self._secrets,
        )


def place_of(url: str) -> Place:
    """Take a URL apart.

    Raises:
        InvalidValue: It is not of the form of the module's first line.
    """
    if scheme_of(url) != "github":
        raise InvalidValue("url", "must begin with github://")
    parts = parts_of(url)
    repository, _, path = parts.path.removeprefix("/").partition("/")
    names = [unquote(name) for name in path.split("/")]
    if not _OWNER.match(parts.netloc) or not _REPOSITORY.match(repository) or parts.fragment:
        raise InvalidValue("url", "must have the form github://owner/repository/path?ref=…")
    if any(name in {"", ".", ".."} or "/" in name or not name.isprintable() for name in names):
        raise InvalidValue("url", "must name a file in the repository by its path from the top")
    key, _, ref = parts.query.partition("=")
    if (parts.query and key != "ref") or "&" in ref or (key and not ref):
        raise InvalidValue("url", "must not have another parameter than ref")
    return Place(
        repository=f"{parts.netloc}/{repository}",
        path="/".join(quote(name, safe="") for name in names),
        ref=unquote(ref) or "HEAD",
    )


def _failure(answer: Answer) -> FetchFailed:
    """Make the error for an answer; one for the rate limit looks as if access were denied."""
    limited = "Retry-After" in answer.headers or answer.headers.get("X-RateLimit-Remaining") == "0"
    if answer.status in {403, 429} and limited:
        return FetchFailed(
            "is asked for more often than GitHub's rate limit lets it", temporary=True
        )
    return failure(answer)


def _read_token(file: str | None) -> Mapping[str, str]:
    if not file:
        return {}
    try:
        token = Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"[references] github_token_file: {file}: {error}") from error
    if not re.fullmatch(r"[!-~]+", token):
        raise ConfigurationError(f"[references] github_token_file: {file} does not hold a token")
    return {"Authorization": f"Bearer {token}"}
