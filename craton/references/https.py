"""``https://host/path``: a file as a web server gives it."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from oslo_config import cfg

from craton.errors import InvalidValue
from craton.references.addresses import AddressRule
from craton.references.fetcher import Document, Fetcher
from craton.references.http import Answer, Session, check_https, failure

#: What a server tells of a version, and how it is asked whether that is still the newest. The first
#: alone is used: Swift looks at the time too where RFC 9110 (13.1.3) has it look at the tag alone.
_CONDITIONS: Final = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}


class HttpsFetcher(Fetcher):
    """Fetches by HTTPS, and asks again by ETag or time."""

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        super().__init__(settings)
        self._rule = AddressRule(settings.references.allow)

    def check(self, url: str) -> None:
        if check_https(url, self._rule).fragment is not None:
            raise InvalidValue("url", "must not have a fragment; a file is fetched whole")

    def fetch(self, url: str, known: Mapping[str, str], http: Session) -> Document:
        answer = http.get(url, headers=conditions(known))
        return document(answer, known)


def conditions(known: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that ask for a file only if it is not the known one."""
    return {
        header: known[validator] for validator, header in _CONDITIONS.items() if validator in known
    }


def document(answer: Answer, known: Mapping[str, str], commit: str | None = None) -> Document:
    """Return what an answer to such a question says.

    Raises:
        FetchFailed: It gives no file.
    """
    if answer.status == 304 and known:
        return Document(content=None, commit=commit, validators=known)
    if answer.status != 200:
        raise failure(answer)
    for name in _CONDITIONS:
        if name in answer.headers and (name == "ETag" or _is_strong(answer.headers)):
            validators = {name: answer.headers[name]}
            return Document(content=answer.body, commit=commit, validators=validators)
    return Document(content=answer.body, commit=commit)


def _is_strong(headers: Mapping[str, str]) -> bool:
    """Tell whether a time stands for one version, as RFC 9110 (8.8.2.2) has it.

    A file that was changed a moment ago can be changed again within the same second.
    """
    try:
        changed = parsedate_to_datetime(headers["Last-Modified"])
        return (parsedate_to_datetime(headers["Date"]) - changed).total_seconds() >= 1
    except (KeyError, ValueError, TypeError):
        return False
