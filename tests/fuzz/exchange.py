"""A request as bytes, ways to send it, and what every answer must be."""

from __future__ import annotations

import http.client
import io
import json
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

PROBLEM = "application/problem+json"

#: How long a request may take in ``make fuzz``, in seconds.
LONGEST = 5.0

#: Statuses of the service's side that are right, and the codes with which they are.
_RIGHT = {501: ("unknown_method", "unsupported"), 502: ("reference_",), 503: ("too_slow", "busy")}


#: What stands in a request line as it is.
_ASCII = "".join(map(chr, range(33, 127)))


@dataclass(frozen=True)
class Request:
    """A request.

    Attributes:
        method: The method.
        path: The path, percent-encoded where it must be, without the query.
        query: The query as it is sent.
        headers: The header fields.
        body: The body.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def target(self) -> str:
        """What stands in the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def curl(self) -> str:
        """Return a command that sends it to a service on this machine."""
        words = ["curl", "-i", "-g", "--path-as-is", "-X", self.method]
        for name, value in self.headers.items():
            words += ["-H", f"{name}: {value}"]
        if not self.body:
            return shlex.join([*words, f"http://127.0.0.1:7780{self.target}"])
        escaped = "".join(f"\\{byte:03o}" for byte in self.body)
        command = shlex.join([*words, "--data-binary", "@-", f"http://127.0.0.1:7780{self.target}"])
        return f"printf '{escaped}' | {command}"


@dataclass(frozen=True)
class Answer:
    """What came back; the names of the header fields are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


class Fault(AssertionError):
    """An answer that no request may have."""


Send = Callable[[Request], Answer]


def in_process(application: Any) -> Send:
    """Return what hands requests to a WSGI application."""

    def send(request: Request) -> Answer:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
            "QUERY_STRING": request.query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(request.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if request.body:
            environ["CONTENT_LENGTH"] = str(len(request.body))
        for name, value in request.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key.startswith("CONTENT_") else f"HTTP_{key}"] = value
        begun: list[Any] = []
        start = time.perf_counter()
        body = application(environ, lambda *arguments: begun.append(arguments))
        try:
            content = b"".join(body)
        finally:
            body.close()
        seconds = time.perf_counter() - start
        status, headers = begun[-1][:2]
        return Answer(
            int(status[:3]), {name.lower(): value for name, value in headers}, content, seconds
        )

    return send


def over_http(url: str) -> Send:
    """Return what sends requests to a service, each on a connection of its own."""
    address = urlsplit(url).netloc

    def send(request: Request) -> Answer:
        connection = http.client.HTTPConnection(address, timeout=60)
        start = time.perf_counter()
        try:
            connection.putrequest(
                request.method,
                quote(request.target, safe=_ASCII),
                skip_host="Host" in request.headers,
                skip_accept_encoding=True,
            )
            if request.body:
                connection.putheader("Content-Length", str(len(request.body)))
            for name, value in request.headers.items():
                connection.putheader(name, value.encode("latin-1"))
            connection.endheaders(request.body or None)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, content, time.perf_counter() - start)

    return send


def fault(method: str, answer: Answer, longest: float | None = None) -> str:
    """Hold an answer to what all answers promise.

    Args:
        method: The method of the request.
        answer: The answer.
        longest: How long it may take, in seconds; ``None`` for as long as it likes.

    Returns:
        What is wrong with it, with the answer; empty if nothing is.
    """
    wrong = _wrong(method, answer)
    if not wrong and longest is not None and answer.seconds > longest:
        wrong = f"it took {answer.seconds:.1f} s"
    told = answer.body[:1000].decode(errors="replace")
    return f"{wrong}: {answer.status} {told}" if wrong else ""


def _wrong(method: str, answer: Answer) -> str:
    if not answer.headers.get("x-openstack-request-id", "").startswith("req-"):
        return "it has no request id"
    if answer.headers.get("x-content-type-options") != "nosniff":
        return "it may be sniffed"
    if method == "HEAD":
        return "a HEAD has a body" if answer.body else _wrong_status(answer.status, None)
    kind = answer.headers.get("content-type", "")
    if answer.status >= 400:
        if kind != PROBLEM:
            return "an error is no problem document"
        problem = json.loads(answer.body)
        if problem["status"] != answer.status:
            return "the problem tells of another status"
        return _wrong_status(answer.status, problem["code"])
    if kind == "application/json":
        json.loads(answer.body)
    return ""


def _wrong_status(status: int, code: str | None) -> str:
    if status < 500:
        return ""
    right = _RIGHT.get(status, ())
    if status in _RIGHT and (code is None or code.startswith(right)):
        return ""
    return "it is a fault of the service"
