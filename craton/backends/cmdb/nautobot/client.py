"""Speaks to a Nautobot: one request at a time or several, each with a bounded wait.

What goes wrong is ``Unavailable`` in Craton's own words: neither the token nor anything that the
server said stands in an error.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final, Self

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from craton.backends.cmdb.nautobot.options import Options
from craton.errors import ConfigurationError, Unavailable

OWNER: Final = "Nautobot"

#: Seconds that a connection may take.
_CONNECT: Final = 5.0
_CHUNK: Final = 2**16
#: Bytes. More than any sensible answer has.
_LONGEST: Final = 2**29
#: Seconds after which to ask again where somebody has to do something first.
_LATER: Final = 30
#: What one REST request returns at most, by Nautobot's own default.
_REST_PAGE: Final = 1000

Row = dict[str, Any]

#: Makes something shorter of an object as it is read.
Hook = Callable[[Row], object]


class _Token(AuthBase):
    """Adds the token to each request; it is read anew each time, so a new one needs no restart."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Token {self._options.token()}"
        return request


class Client:
    """The connections of one stream; threads may share it.

    Args:
        options: Where to find the Nautobot, and how long to wait.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._session = session = requests.Session()
        # Neither proxies nor passwords from the environment, and no session of a browser's kind.
        session.trust_env = False
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.auth = _Token(options)
        session.verify = str(options.ca_file) if options.ca_file else True
        session.headers.update(
            {
                "User-Agent": "craton",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
            }
        )
        adapter = HTTPAdapter(pool_maxsize=max(2, options.parallel))
        session.mount("https://", adapter)
        session.mount("http://", adapter)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._session.close()

    def graphql(self, fields: Mapping[str, str], **variables: object) -> Mapping[str, list[Row]]:
        """Ask for lists of objects, and return them by name.

        Args:
            fields: The text of each field of the query by the name that it has in the answer.
            variables: Lists of texts that the fields refer to.

        Raises:
            Unavailable: There is no answer, or none that is whole.
        """
        data = self._queried(fields, variables)
        if not all(isinstance(row, dict) for found in data.values() for row in found):
            raise no_answer("gives something that is no object")
        return data

    def packed(self, fields: Mapping[str, str]) -> Mapping[str, list[bytes]]:
        """Ask for lists of ids, or of ids and times, and return each object as a few bytes.

        They are the 16 of the id, and behind them the 8 of :func:`stamp`, if times were asked for.

        Raises:
            Unavailable: There is no answer, or none that is whole.
        """
        data = self._queried(fields, {}, _packed)
        if not all(isinstance(row, bytes) for found in data.values() for row in found):
            raise no_answer("gives something that is no object with an id")
        return data

    def rest(self, path: str, permission: str) -> Iterator[Row]:
        """Yield every object of a sort that GraphQL does not know; ``path`` as in dcim/devices.

        Raises:
            Unavailable: The permission is missing, or there is no answer, or none that is whole.
        """
        offset, more = 0, True
        while more:
            page = self._sent(
                "GET",
                f"{path}/",
                params={
                    "limit": _REST_PAGE,
                    "offset": offset,
                    "depth": 0,
                    "exclude_m2m": "true",
                    "sort": "id",
                },
                permission=permission,
            )
            rows = page.get("results")
            if not isinstance(rows, list) or "next" not in page:
                raise no_answer("gives something that is no list")
            yield from rows
            offset += len(rows)
            more = page["next"] is not None and bool(rows)

    def check_permitted(self, path: str, permission: str) -> None:
        """Make sure that the token may see objects of a sort.

        Where it may not, GraphQL answers with an empty list, as if there were none.

        Raises:
            Unavailable: It may not, and the error names the permission; or there is no answer.
        """
        parameters = {"limit": 1, "depth": 0, "exclude_m2m": "true"}
        self._sent("GET", f"{path}/", params=parameters, permission=permission)

    def _queried(
        self,
        fields: Mapping[str, str],
        variables: Mapping[str, object],
        hook: Hook | None = None,
    ) -> Mapping[str, list[Any]]:
        declared = ", ".join(f"${name}: [String]" for name in variables)
        query = f"query ({declared})" if declared else "query"
        question = {"query": f"{query} {{ {' '.join(fields.values())} }}", "variables": variables}
        answer = self._sent("POST", "graphql/", hook=hook, json=question)
        data = answer.get("data")
        if answer.get("errors"):
            raise no_answer("refuses a query, which its version may not understand")
        if not isinstance(data, dict) or not all(isinstance(data.get(n), list) for n in fields):
            raise no_answer("gives something that is not what it was asked for")
        return {name: data[name] for name in fields}

    def _sent(
        self,
        method: str,
        path: str,
        *,
        permission: str | None = None,
        hook: Hook | None = None,
        **content: Any,
    ) -> Row:
        url = f"{self._options.endpoint}/api/{path}"
        try:
            body = self._body(method, url, permission, content)
            answer = json.loads(body, object_hook=hook)
        except ConfigurationError as error:
            raise Unavailable(str(error), _LATER) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise no_answer(_reason(error)) from error
        except (ValueError, RecursionError) as error:
            raise no_answer("gives something that is no JSON, or a part of it") from error
        if not isinstance(answer, dict):
            raise no_answer("gives something that is no answer to the question")
        return answer

    def _body(
        self, method: str, url: str, permission: str | None, content: Mapping[str, Any]
    ) -> bytearray:
        deadline = time.monotonic() + self._options.deadline
        with self._response(method, url, content) as response:
            if response.status_code != 200:
                raise _refused(response.status_code, permission)
            body = bytearray()
            while chunk := response.raw.read1(_CHUNK):
                body += chunk
                if time.monotonic() > deadline or len(body) > _LONGEST:
                    raise no_answer("takes too long, or says too much, for one answer")
        return body

    def _response(self, method: str, url: str, content: Mapping[str, Any]) -> requests.Response:
        timeout = (min(_CONNECT, self._options.timeout), self._options.timeout)
        for attempt in (1, 2):
            try:
                return self._session.request(
                    method, url, timeout=timeout, stream=True, allow_redirects=False, **content
                )
            except (requests.Timeout, requests.exceptions.SSLError):
                raise
            except requests.ConnectionError:
                # A server may close a kept connection just when it is used again.
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")


def stamp(last_updated: object) -> bytes:
    """Return eight bytes for the time of an object's last change, whatever its form."""
    return hashlib.blake2b(str(last_updated).encode(), digest_size=8).digest()


def packed_id(id: str) -> bytes:
    """Return the 16 bytes of an id.

    Raises:
        ValueError: It is none.
    """
    packed = bytes.fromhex(id.replace("-", ""))
    if len(packed) != 16:
        raise ValueError("the id of an object has 16 bytes")
    return packed


def _packed(row: Row) -> object:
    if "id" not in row:
        return row
    if not isinstance(row["id"], str):
        raise ValueError("the id of an object is a text")
    packed = packed_id(row["id"])
    return packed + stamp(row["last_updated"]) if "last_updated" in row else packed


def no_answer(what: str, retry_after: int = 5) -> Unavailable:
    """Make the error that says what Nautobot does instead of answering."""
    return Unavailable(f"{OWNER} {what}", retry_after)


def not_permitted(permission: str) -> Unavailable:
    """Make the error for a permission that is missing."""
    return no_answer(f"does not give the token the permission {permission}", _LATER)


def _refused(status: int, permission: str | None) -> Unavailable:
    if status in (401, 403):
        if permission is not None:
            return not_permitted(permission)
        return no_answer("refuses the token", _LATER)
    if 300 <= status < 400:
        return no_answer("sends elsewhere: set [nautobot] endpoint to its own address", _LATER)
    return no_answer(f"answers with the status {status}")


def _reason(error: Exception) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "has a certificate that is not trusted"
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return "does not answer in time"
    if isinstance(error, requests.ConnectionError):
        return "cannot be reached"
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return "cannot be asked: a file such as [nautobot] ca_file cannot be read"
    return "was cut off in the middle of an answer"
