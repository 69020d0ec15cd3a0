"""An export at an HTTPS URL, fetched as a whole before anything is made of it."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from oslo_config import cfg
from requests.auth import AuthBase, HTTPBasicAuth

from craton_cmdb_files.export import Export, File, no_answer, root
from craton_cmdb_files.options import place, read_secret

_PIECE = 2**16
_REDIRECTS = 5

#: A change within the resolution of Last-Modified would be missed (RFC 9110, 8.8.2.2).
_SETTLED = timedelta(seconds=2)

#: The longest validator that is kept.
_LONGEST = 1000

_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (requests.exceptions.SSLError, "is not who its certificate should say"),
    (requests.Timeout, "does not answer"),
    (urllib3.exceptions.TimeoutError, "stopped in the middle"),
    (urllib3.exceptions.ProtocolError, "was cut off"),
    (requests.ConnectionError, "cannot be reached"),
)


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@contextmanager
def fetched(
    options: cfg.ConfigOpts.GroupAttr, validators: tuple[str, str]
) -> Iterator[Export | None]:
    """Fetch the export.

    Args:
        options: Where it is, and how to get it.
        validators: ``ETag`` and ``Last-Modified`` of the export that is known; empty if none is.

    Yields:
        The export, or ``None`` if it is the one that is known.

    Raises:
        Unavailable: There is no answer, or not a whole one.
    """
    with tempfile.TemporaryFile() as spool:
        yield _fetch(options, validators, spool)


def _fetch(
    options: cfg.ConfigOpts.GroupAttr, validators: tuple[str, str], spool: BinaryIO
) -> Export | None:
    try:
        with requests.Session() as session:
            # Neither somebody's .netrc nor variables of the environment decide what is trusted.
            session.trust_env = False
            session.verify = options.ca_file or True
            with _asked(session, options, validators) as answer:
                if answer.status_code == requests.codes.not_modified and any(validators):
                    return None
                _check_status(place(options), answer)
                digest = _save(options, answer, spool)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        reason = next((why for kind, why in _REASONS if isinstance(error, kind)), "is no answer")
        raise no_answer(place(options), reason) from root(error)
    spool.seek(0)
    file = File(urlsplit(options.url).path.rpartition("/")[2], spool, digest)
    return Export([file], validators=_validators(answer), count=_count(options, answer))


def _asked(
    session: requests.Session, options: cfg.ConfigOpts.GroupAttr, validators: tuple[str, str]
) -> requests.Response:
    """Ask, and follow the way to the answer; the secret stays with the host that it is for."""
    etag, modified = validators
    headers = {
        # What is packed can be cut off without a sign, and be larger than it seems.
        "Accept-Encoding": "identity",
        **({"If-None-Match": etag} if etag else {}),
        **({"If-Modified-Since": modified} if modified and not etag else {}),
    }
    secret = read_secret(options)
    auth = HTTPBasicAuth(options.username, secret) if options.username else _Bearer(secret)
    url = options.url
    for _ in range(_REDIRECTS):
        answer = session.get(
            url,
            headers=headers,
            auth=auth if _host(url) == _host(options.url) else _Bearer(""),
            timeout=options.timeout,
            stream=True,
            allow_redirects=False,
        )
        if not answer.is_redirect:
            return answer
        answer.close()
        url = urljoin(url, answer.headers["Location"])
        if urlsplit(url).scheme != "https":
            raise no_answer(place(options), "leads to a place without TLS")
    raise no_answer(place(options), "leads from place to place")


def _host(url: str) -> tuple[str | None, int]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or 443


def _check_status(where: str, answer: requests.Response) -> None:
    status = answer.status_code
    if status in (requests.codes.unauthorized, requests.codes.forbidden):
        raise no_answer(where, f"refuses the credentials ({status})", retry_after=300)
    if status != requests.codes.ok:
        after = answer.headers.get("Retry-After", "")
        seconds = int(after) if after.isascii() and after.isdigit() and len(after) < 5 else 30
        raise no_answer(where, f"answers with {status}", retry_after=max(1, seconds))
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise no_answer(where, "is packed, although it was asked for as it is")
    whole = answer.headers.get("Content-Length") or answer.headers.get("Transfer-Encoding")
    if not whole:
        raise no_answer(where, "does not say where the answer ends")


def _save(options: cfg.ConfigOpts.GroupAttr, answer: requests.Response, spool: BinaryIO) -> str:
    """Write the answer into a file, and return its digest."""
    deadline = time.monotonic() + options.download_time
    digest, size = hashlib.sha256(), 0
    # read1 comes back with what is there: a server that drips meets the deadline.
    while piece := answer.raw.read1(_PIECE, decode_content=False):
        size += len(piece)
        if size > options.max_bytes:
            raise no_answer(place(options), f"has more than {options.max_bytes} bytes")
        if time.monotonic() > deadline:
            raise no_answer(place(options), f"takes longer than {options.download_time:g} seconds")
        digest.update(piece)
        spool.write(piece)
    return digest.hexdigest()


def _validators(answer: requests.Response) -> tuple[str, str]:
    etag = answer.headers.get("ETag", "")
    modified = answer.headers.get("Last-Modified", "")
    try:
        then, now = parsedate_to_datetime(modified), parsedate_to_datetime(answer.headers["Date"])
        settled = now - then >= _SETTLED
    except (KeyError, TypeError, ValueError):
        settled = False
    return etag if len(etag) <= _LONGEST else "", modified if settled else ""


def _count(options: cfg.ConfigOpts.GroupAttr, answer: requests.Response) -> int | None:
    if not options.count_header:
        return None
    text = answer.headers.get(options.count_header, "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise no_answer(
            place(options), f"does not say in {options.count_header} how many rows it has"
        )
    return int(text)
