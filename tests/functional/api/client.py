"""A client for the tests: JSON in, JSON out, and every answer held to what all answers promise."""

from __future__ import annotations

import json
from typing import Any

from webtest import TestApp, TestRequest, TestResponse

PROBLEM = "application/problem+json"
MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}


class Client:
    """Speaks to an application and checks what holds of every answer."""

    def __init__(self, application: Any) -> None:
        self.app = TestApp(application)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        content_type: str | None = "application/json",
        **headers: str,
    ) -> TestResponse:
        """Send a request; ``raw`` is a body as it is, ``body`` one to be written as JSON."""
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if content_type is not None and (raw is not None or body is not None):
            sent["Content-Type"] = content_type
        answer = self.app.request(
            path, method=method, body=content, headers=sent, expect_errors=True
        )
        assert answer.headers["X-Openstack-Request-Id"].startswith("req-")
        if answer.status_int >= 400 and method != "HEAD":
            check_problem(answer)
        return answer

    def bare(self, method: str, path: str, **environ: Any) -> TestResponse:
        """Send what WebTest itself would refuse to, such as an unknown method."""
        request = TestRequest.blank(path, method=method)
        request.environ.update(environ)
        answer: TestResponse = request.get_response(self.app.app)
        if answer.status_int >= 400 and method != "HEAD":
            check_problem(answer)
        return answer

    def begin(self, path: str) -> Any:
        """Send a GET and return the body as WSGI gives it, unread."""
        return self.app.app(TestRequest.blank(path).environ, lambda *args: lambda data: None)

    def get(self, path: str, status: int = 200, **headers: str) -> TestResponse:
        return self._expect(status, "GET", path, None, headers)

    def post(self, path: str, body: Any, status: int = 201, **headers: str) -> TestResponse:
        return self._expect(status, "POST", path, body, headers)

    def put(self, path: str, body: Any = None, status: int = 200, **headers: str) -> TestResponse:
        return self._expect(status, "PUT", path, body, headers)

    def patch(self, path: str, body: Any, status: int = 200, **headers: str) -> TestResponse:
        return self._expect(status, "PATCH", path, body, headers)

    def delete(self, path: str, status: int = 204, **headers: str) -> TestResponse:
        return self._expect(status, "DELETE", path, None, headers)

    def _expect(
        self, status: int, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> TestResponse:
        answer = self.request(method, path, body, raw=None, **headers)
        assert answer.status_int == status, answer.text
        return answer

    def all_of(self, path: str) -> list[dict[str, Any]]:
        """Return everything on all pages of a list."""
        found = []
        while path:
            page = self.get(path).json
            collection = next(name for name in page if name != "links")
            found += page[collection]
            path = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
        return found


def check_problem(answer: TestResponse) -> None:
    """Check that an error is a problem document that agrees with its answer."""
    assert answer.content_type == PROBLEM, answer.text
    problem = answer.json
    assert problem.keys() >= MEMBERS
    assert problem["status"] == answer.status_int
    assert problem["request_id"] == answer.headers["X-Openstack-Request-Id"]
    if answer.status_int == 405:
        assert answer.headers["Allow"]
