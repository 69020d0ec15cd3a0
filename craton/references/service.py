"""From wanted URLs to files: many at once, each once, from the cache as far as that will do."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Final

from oslo_config import cfg

from craton import config, loader
from craton.errors import DriverNotLoadable, InvalidValue, PinMismatch, ReferenceUnavailable
from craton.references.addresses import AddressRule
from craton.references.allowance import Allowance, FetchFailed
from craton.references.cache import Cache, Entry
from craton.references.connections import tls_context
from craton.references.fetcher import Document, Fetcher
from craton.references.http import Session
from craton.references.options import options
from craton.references.urls import scheme_of, shown

FETCHER: Final = loader.Sort(
    namespace="craton.references",
    base=Fetcher,  # type: ignore[type-abstract]
    called="fetcher of references",
    option="the URL",
    extra="references",
)

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A file that somebody wants.

    Attributes:
        url: A URL that :meth:`References.check_url` let pass.
        sha256: The digest that it must have, in hexadecimal; ``None`` for any.
    """

    url: str
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """A file as it was fetched.

    Attributes:
        content: Its bytes.
        sha256: Their digest, in hexadecimal.
        commit: The commit in which it was found, where there are commits.
        stale: Whether its server could not be asked whether there is a newer one.
        fetched_at: When its server was last asked, and said that this is the newest.
    """

    content: bytes
    sha256: str
    commit: str | None
    stale: bool
    fetched_at: datetime


class References:
    """Fetches referenced files. One of it serves all threads of a process.

    Args:
        settings: The service's configuration; the options of references are registered in it.

    Raises:
        ConfigurationError: An option has a value that it does not take.
    """

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        config.register(settings, options())
        config.check(settings, options())
        self._options = settings.references
        self._rule = AddressRule(self._options.allow)
        self._tls = tls_context(self._options.ca_file)
        self._fetchers: dict[str, Fetcher] = {}
        self._lacking: dict[str, str] = {}
        for name in loader.installed(FETCHER.namespace):
            try:
                self._fetchers[name] = loader.made(FETCHER, settings, name)
            except DriverNotLoadable as error:
                # What it needs may not be installed, and nobody may need it.
                LOG.info("%s", error)
                self._lacking[name] = str(error)
        self._cache = Cache(Path(settings.state_path) / "references", self._options.cache_bytes)
        self._lock = Lock()
        self._running: dict[tuple[str, float], Future[Fetched]] = {}

    def check_url(self, url: str) -> None:
        """Check the form of a URL; nothing is asked of anybody.

        Raises:
            InvalidValue: Nobody fetches its scheme, it is malformed, or it can be seen to lead
                where references must not lead.
        """
        scheme = scheme_of(url)
        name = scheme.partition("+")[0]
        fetcher = self._fetchers.get(name)
        if fetcher is None and name in self._lacking:
            raise InvalidValue("url", f"cannot be fetched: {self._lacking[name]}")
        if fetcher is None:
            names = ", ".join(sorted(self._fetchers))
            raise InvalidValue("url", f"must have a scheme that is fetched ({names}), not {scheme}")
        fetcher.check(url)

    def fetch(self, wanted: Sequence[Wanted]) -> list[Fetched]:
        """Fetch files, several at once; the results are in the order of what is wanted.

        Raises:
            ReferenceUnavailable: One cannot be had; the others are not waited for.
            PinMismatch: One is not what was pinned.
        """
        if not wanted:
            return []
        threads = ThreadPoolExecutor(min(len(wanted), self._options.parallel), "references")
        try:
            futures = [threads.submit(self._get, item) for item in wanted]
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            # What runs ends by its own time limit, and may fill the cache until then.
            threads.shutdown(wait=False, cancel_futures=True)
        for future in futures:
            if future in done and (error := future.exception()) is not None:
                raise error
        return [future.result() for future in futures]

    def refresh(self, url: str) -> Fetched:
        """Ask the server of a file now, however lately it was asked.

        Raises:
            ReferenceUnavailable: It cannot be had.
        """
        return self._once(url, max_age=0)

    def _get(self, wanted: Wanted) -> Fetched:
        if wanted.sha256 is not None:
            # A file is what its digest says, so there is nothing to ask.
            found = self._cache.read(wanted.url)
            if found is not None and found[0].sha256 == wanted.sha256:
                return _fetched(*found)
        fetched = self._once(wanted.url, max_age=self._options.max_age)
        if wanted.sha256 not in {None, fetched.sha256}:
            raise PinMismatch(shown(wanted.url), wanted.sha256 or "", fetched.sha256)
        return fetched

    def _once(self, url: str, max_age: float) -> Fetched:
        """Let threads that want the same URL at the same time share one answer."""
        key = url, max_age
        with self._lock:
            future = self._running.get(key)
            mine = future is None
            if future is None:
                future = self._running[key] = Future()
        if mine:
            try:
                future.set_result(self._current(url, max_age))
            except BaseException as error:
                future.set_exception(error)
            finally:
                with self._lock:
                    del self._running[key]
        return future.result()

    def _current(self, url: str, max_age: float) -> Fetched:
        wanted_at = time.time()
        # Most of the time there is nothing to ask, and so no turn to wait for.
        if max_age > 0 and (fresh := self._kept(url, wanted_at - max_age)):
            return fresh
        with self._cache.turn(url):
            # Whoever waited for another to ask is content with the answer, unless it is older.
            if fresh := self._kept(url, wanted_at - max_age):
                return fresh
            kept = self._cache.read(url)
            try:
                return self._ask(url, kept)
            except FetchFailed as error:
                LOG.warning("the reference %s %s", shown(url), error.reason)
                if kept is not None and error.temporary and self._options.serve_stale:
                    return _fetched(*kept, stale=True)
                raise ReferenceUnavailable(
                    shown(url), error.reason, temporary=error.temporary
                ) from error

    def _kept(self, url: str, since: float) -> Fetched | None:
        """Return what is kept of a URL, if its server was asked after a time."""
        kept = self._cache.read(url)
        return _fetched(*kept) if kept is not None and kept[0].confirmed_at > since else None

    def _ask(self, url: str, kept: tuple[Entry, bytes] | None) -> Fetched:
        entry, content = kept or (None, None)
        # Before the question, because what is said in the answer may be as old as that.
        now = time.time()
        document = self._document(url, entry.validators if entry else {})
        if document.content is None:
            if entry is None or content is None:
                raise FetchFailed("is said not to have changed, though it was never fetched")
            entry = replace(
                entry,
                confirmed_at=now,
                commit=document.commit,
                validators=dict(document.validators),
            )
            self._cache.confirm(entry)
        else:
            content = document.content
            entry = Entry(
                url=url,
                sha256=hashlib.sha256(content).hexdigest(),
                commit=document.commit,
                validators=dict(document.validators),
                confirmed_at=now,
            )
            self._cache.write(entry, content)
        return _fetched(entry, content)

    def _document(self, url: str, known: Mapping[str, str]) -> Document:
        try:
            self.check_url(url)
        except InvalidValue as error:
            # It was let pass under another configuration.
            raise FetchFailed(error.rule) from error
        fetcher = self._fetchers[scheme_of(url).partition("+")[0]]
        allowance = Allowance(
            seconds=self._options.timeout, received=fetcher.traffic, size=self._options.max_bytes
        )
        session = Session(allowance, self._rule, self._tls)
        try:
            document = fetcher.fetch(url, known, session)
        finally:
            session.close()
        if document.content is not None and len(document.content) > allowance.size:
            raise allowance.too_large()
        return document


def list_opts() -> list[tuple[str, Sequence[cfg.Opt]]]:
    """Return the options of references, for the generator of the sample configuration."""
    return [*options().items(), *loader.own_options(FETCHER.namespace)]


def _fetched(entry: Entry, content: bytes, *, stale: bool = False) -> Fetched:
    return Fetched(
        content=content,
        sha256=entry.sha256,
        commit=entry.commit,
        stale=stale,
        fetched_at=entry.time,
    )
