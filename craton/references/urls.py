"""URLs as references have them: read strictly, so that nobody else reads them differently.

What differs between readers of URLs (white space, backslashes, ``user@host``, percent signs in a
host, addresses in decimal, octal or hexadecimal) is refused, not interpreted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from craton.errors import InvalidValue
from craton.references.addresses import literal

#: The longest URL, in characters; servers and proxies commonly stop at 8,000.
MAX_LENGTH: Final = 2048

_VISIBLE: Final = re.compile(r"[!-~]+\Z")
_FORBIDDEN: Final = re.compile(r'[\\"<>^`{|}]')
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST: Final = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?\Z")
#: What some readers take for a number, and so for an IPv4 address in disguise.
_NUMERIC: Final = re.compile(r"(\d+|0[xX][0-9A-Fa-f]*)\Z")
_AUTHORITY: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(:(?P<port>\d{1,5}))?\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Url:
    """The parts of a URL, as they were written.

    Attributes:
        scheme: In lower case.
        host: A name or an address, IPv6 without its brackets.
        port: ``None`` for the scheme's own.
        path: With its leading slash, or empty.
        query: ``None`` without a question mark.
        fragment: ``None`` without a number sign.
    """

    scheme: str
    host: str
    port: int | None
    path: str
    query: str | None
    fragment: str | None

    @property
    def origin(self) -> str:
        """Scheme, host and port, as a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port is not None else "")


def scheme_of(url: str) -> str:
    """Return the scheme of a URL in lower case.

    Raises:
        InvalidValue: It has none, or characters that no URL has.
    """
    if len(url) > MAX_LENGTH:
        raise InvalidValue("url", f"must not be longer than {MAX_LENGTH} characters")
    if not _VISIBLE.match(url) or _FORBIDDEN.search(url) or _BAD_ESCAPE.search(url):
        raise InvalidValue(
            "url", "must be a URL: ASCII without white space, quoted by per cent where needed"
        )
    scheme, separator, _ = url.partition("://")
    if not separator or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        raise InvalidValue("url", "must begin with a scheme, such as https://")
    return scheme.lower()


def split(url: str) -> Url:
    """Take a URL apart that names a host.

    Raises:
        InvalidValue: It is no URL, has no host, has one that can be read in several ways, or holds
            a user or a password.
    """
    scheme = scheme_of(url)
    parts = parts_of(url)
    if "@" in parts.netloc:
        raise InvalidValue("url", "must not hold a user or a password; credentials are configured")
    match = _AUTHORITY.match(parts.netloc)
    if match is None:
        raise InvalidValue("url", "must name a host")
    port = None if match["port"] is None else int(match["port"])
    if port is not None and not 0 < port < 65536:
        raise InvalidValue("url", "must have a port from 1 to 65535, or none")
    return Url(
        scheme=scheme,
        host=_checked_host(match["host"]),
        port=port,
        path=parts.path,
        query=parts.query if "?" in url.partition("#")[0] else None,
        fragment=parts.fragment if "#" in url else None,
    )


def shown(url: str) -> str:
    """Return a URL as messages may show it: without its query, which can hold a token."""
    before, mark, _ = url.partition("?")
    before = re.sub(r"://[^/]*@", "://…@", before)
    _, number_sign, fragment = url.partition("#")
    if not mark or "#" in before:
        return before[:MAX_LENGTH]
    return f"{before}?…{number_sign}{fragment}"[:MAX_LENGTH]


def parts_of(url: str) -> SplitResult:
    """Take a URL apart that need not name a host.

    Raises:
        InvalidValue: It has brackets where a URL has none.
    """
    try:
        return urlsplit(url)
    except ValueError as error:
        raise InvalidValue("url", "must name a host; [ and ] are for IPv6 addresses") from error


def _checked_host(host: str) -> str:
    bare = host[1:-1] if host.startswith("[") else host
    address = literal(bare)
    if address is not None and (address.version == 6) == host.startswith("["):
        return bare
    if not _HOST.match(host) or len(host) > 253:
        raise InvalidValue("url", "must name a host by letters, digits, hyphens and dots")
    if _NUMERIC.match(host.rstrip(".").rpartition(".")[2]):
        raise InvalidValue(
            "url", "must write an IPv4 address as four decimal numbers, such as 192.0.2.1"
        )
    return host
