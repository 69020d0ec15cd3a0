"""The web view's files, out of the package: they are read once and served from memory.

Only what was found when the service started is served, by its name, so no path leads anywhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from webob import Response

from craton.api.conditions import Conditions
from craton.api.controllers.resource import Below, Resource, answers
from craton.api.controllers.responses import entity_tag, not_modified
from craton.api.request import Request
from craton.api.routes import WEB, WEB_TYPES
from craton.errors import NotFound

#: What is served at the path of the directory itself.
_INDEX: Final = "index.html"

#: Scripts, styles and answers of this service alone, and nobody may frame it.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


@dataclass(frozen=True)
class File:
    """A file of the web view.

    Attributes:
        content: What is in it.
        media_type: What it is.
        etag: Tells its content.
    """

    content: bytes
    media_type: str
    etag: str


class Redirect(Resource):
    """Leads to the directory, below which relative paths work."""

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """Say where it is."""
        location = f"{request.script_name}{WEB}/"
        return Response(status=302, headerlist=[("Location", location), ("Content-Length", "0")])


class FileOf(Resource):
    """A file of the web view, by the rest of the path."""

    def __init__(self, found: Mapping[str, File]) -> None:
        super().__init__()
        self._found = found

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """Read it, unless the client has it already."""
        name = request.segments.get("file", _INDEX)
        file = self._found.get(name)
        if file is None:
            raise NotFound("file", name)
        if not Conditions.of(request).for_read(file.etag):
            return not_modified(file.etag)
        headers = [
            ("Content-Type", file.media_type),
            ("Content-Length", str(len(file.content))),
            ("Content-Security-Policy", _POLICY),
            ("X-Content-Type-Options", "nosniff"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-cache"),
            entity_tag(file.etag),
        ]
        return Response(body=file.content, headerlist=headers)


def web() -> Resource:
    """Return what stands at ``/ui``."""
    found = dict(_found(files("craton.web") / "static"))
    file = FileOf(found)
    return Redirect(fixed={"": file}, below=(Below(name="file", resource=file, rest=True),))


def _found(directory: Traversable, prefix: str = "") -> Iterator[tuple[str, File]]:
    """Yield every file of a type that is served, with its path below the directory."""
    for entry in directory.iterdir():
        name = f"{prefix}{entry.name}"
        if entry.is_dir():
            yield from _found(entry, f"{name}/")
            continue
        media_type = WEB_TYPES.get(name.rpartition(".")[2])
        if media_type is not None:
            content = entry.read_bytes()
            yield name, File(content, media_type, hashlib.sha256(content).hexdigest()[:32])
