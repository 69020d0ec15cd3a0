"""HTTP for fetchers: what one fetch speaks through, redirects, headers and sizes included."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final
from urllib.parse import urljoin

import urllib3

from craton import __version__
from craton.errors import InvalidValue
from craton.references.addresses import AddressRule, literal
from craton.references.allowance import Allowance, FetchFailed
from craton.references.connections import Pool, connect
from craton.references.urls import Url, split

#: How often a server may send elsewhere.
MAX_REDIRECTS: Final = 5

_REDIRECTS: Final = {301, 302, 303, 307, 308}
_TEMPORARY: Final = {408, 425, 429, 500, 502, 503, 504}
_CHUNK: Final = 2**16


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A server's answer, read to its end.

    Attributes:
        status: The status of HTTP.
        headers: Case does not matter in their names.
        body: As it came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Session:
    """What one fetch speaks HTTP through.

    Args:
        allowance: What it may cost.
        rule: Where it may go.
        tls: From :func:`craton.references.connections.tls_context`.
    """

    def __init__(self, allowance: Allowance, rule: AddressRule, tls: ssl.SSLContext) -> None:
        self.allowance = allowance
        self._rule = rule
        self._tls = tls
        self._pools = urllib3.PoolManager(ssl_context=tls, retries=False)
        self._pools.pool_classes_by_scheme = {"https": partial(Pool, dial=self)}  # type: ignore[dict-item]

    def close(self) -> None:
        """Close every connection."""
        self._pools.clear()

    def exempt(self, url: str) -> None:
        """Let this session speak to the host of a URL that the configuration vouches for."""
        self._rule = self._rule.exempting(split(url).host)

    def trusting(self) -> Session:
        """Return a session of the same fetch that may go anywhere.

        It is for what the configuration vouches for, and where that sends to, such as Keystone.
        """
        return Session(self.allowance, AddressRule(["0.0.0.0/0", "::/0"]), self._tls)

    def get(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> Answer:
        """Get what is at a URL, following redirects.

        Args:
            url: An ``https`` URL.
            headers: To be sent in any case.
            secrets: Headers to be sent to the host of this URL and to no other.

        Raises:
            FetchFailed: The server cannot be reached, or breaks a rule or a limit. An answer of any
                status is no failure; see :func:`failure`.
        """
        response, _ = self.open("GET", url, headers=headers, secrets=secrets)
        try:
            encoding = response.headers.get("Content-Encoding", "identity")
            if encoding.lower() not in {"identity", ""}:
                raise FetchFailed(
                    f"came in the encoding {encoding[:40]!r}, which was not asked for"
                )
            with self._translated(url):
                body = self._read(response)
        finally:
            # Never back into the pool: what is unread may be endless.
            response.close()
        return Answer(status=response.status, headers=response.headers, body=body)

    def open(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] | None = None,
    ) -> tuple[urllib3.BaseHTTPResponse, str]:
        """Ask, following redirects of a GET.

        Returns:
            The answer, of which no more than the headers are read and which the caller closes, and
            the URL that it is from.

        Raises:
            FetchFailed: As for :meth:`get`.
        """
        origin = _https(url).origin
        for _ in range(MAX_REDIRECTS + 1):
            known = {"User-Agent": f"craton/{__version__}", **(headers or {})}
            known["Accept-Encoding"] = "identity"
            if _https(url).origin == origin:
                known |= secrets or {}
            response = self._request(method, url, known, body)
            target = response.headers.get("Location")
            if method != "GET" or response.status not in _REDIRECTS or not target:
                return response, url
            response.close()
            url = urljoin(url, target)
            try:
                _https(url)
            except InvalidValue as error:
                raise FetchFailed(f"is redirected to a URL that {error.rule}") from error
        raise FetchFailed(f"is redirected more than {MAX_REDIRECTS} times")

    def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | Iterable[bytes] | None,
    ) -> urllib3.BaseHTTPResponse:
        with self._translated(url):
            return self._pools.request(
                method,
                url,
                headers=headers,
                body=body,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
            )

    def connect(self, host: str, port: int) -> socket.socket:
        """Connect to a host at an address that was checked.

        Raises:
            FetchFailed: It has no address, one where it must not be, or does not answer.
        """
        return connect(host, port, self._rule, self.allowance)

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        size = self.allowance.size
        declared = response.headers.get("Content-Length", "")
        if declared.isdecimal() and int(declared[:20]) > size:
            raise self.allowance.too_large()
        parts = []
        while part := response.read(min(_CHUNK, size + 1), decode_content=False):
            size -= len(part)
            if size < 0:
                raise self.allowance.too_large()
            parts.append(part)
        return b"".join(parts)

    @contextmanager
    def _translated(self, url: str) -> Iterator[None]:
        host = split(url).host
        try:
            yield
        except (urllib3.exceptions.SSLError, ssl.SSLError) as error:
            raise FetchFailed(f"leads to {host}, where TLS fails: {_tls_problem(error)}") from error
        except (urllib3.exceptions.TimeoutError, TimeoutError) as error:
            raise self.allowance.out_of_time() from error
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise FetchFailed(
                f"leads to {host}, whose answer breaks off or is not HTTP", temporary=True
            ) from error


def failure(answer: Answer) -> FetchFailed:
    """Make the error for an answer of a status that gives no file."""
    return status_failure(answer.status)


def status_failure(status: int) -> FetchFailed:
    """Make the error for a status that gives no file."""
    try:
        phrase = f" {HTTPStatus(status).phrase}"
    except ValueError:
        phrase = ""
    return FetchFailed(f"is answered with {status}{phrase}", temporary=status in _TEMPORARY)


def check_https(url: str, rule: AddressRule) -> Url:
    """Check a URL that is to be fetched by HTTPS.

    Raises:
        InvalidValue: It is malformed, of another scheme, or its host is an address that must not
            be spoken to.
    """
    parts = _https(url)
    address = literal(parts.host)
    if address is not None and not rule.allows(parts.host, address):
        raise InvalidValue(
            "url", f"must not lead to {address}, which is not on the public internet"
        )
    return parts


def _https(url: str) -> Url:
    parts = split(url)
    if parts.scheme != "https":
        raise InvalidValue("url", f"must be fetched by https, not {parts.scheme}")
    return parts


def _tls_problem(error: BaseException) -> str:
    inner = error.args[0] if error.args else error
    verification = getattr(inner, "verify_message", None) or getattr(error, "verify_message", None)
    if verification:
        return str(verification)
    return str(getattr(inner, "reason", None) or "the server does not speak it properly")
