"""The inventory of a region as Ansible knows it: bundles out, exports in."""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import Final
from urllib.parse import quote

import orjson
from webob import Response

from craton import caller, deadline
from craton.api.access import checked_id, one_state
from craton.api.auth.access import denied
from craton.api.auth.rules import READ_SECRETS
from craton.api.conditions import Conditions
from craton.api.controllers.resource import Below, Resource, Service, answers
from craton.api.controllers.responses import entity_tag, json_response, not_modified
from craton.api.listing import given_host_filters
from craton.api.request import Request
from craton.api.routes import BUNDLE_TYPES
from craton.bundles import BundleRequest, Format, Spool, Target, holds_secrets, plan
from craton.capabilities import Capability
from craton.driver import InventoryReader
from craton.imports import import_inventory
from craton.models import Region
from craton.secrets.audit import record

LOG = logging.getLogger(__name__)

#: The ending of the path whose answer is a document and no archive.
_SCRIPT: Final = "json"

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class ImportInto(Resource):
    """What a region takes in."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._driver = service.driver
        self._accept = service.accept

    @answers
    def post(self, request: Request, response: Response) -> Response:
        """Import what ``ansible-inventory`` exported."""
        document = request.body_bytes()
        report = import_inventory(
            self._driver,
            checked_id(Region, request.segments["region_id"]),
            document,
            mode=request.values["mode"],
            dry_run=request.values["dry_run"],
            expect_max_deletes=request.values["expect_max_deletes"],
            accept=self._accept,
        )
        return json_response(orjson.dumps(report.document()))


class BundleOf(Resource):
    """A bundle of a region in one format."""

    def __init__(self, service: Service, ending: str) -> None:
        super().__init__()
        self._service = service
        self._driver = service.driver
        self._spools = service.spools
        self._ending = ending

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """Make it, unless the client has it already."""
        conditions = Conditions.of(request)
        target = Target.SCRIPT if self._ending == _SCRIPT else Target(request.values["target"])
        filters = given_host_filters(request.values)
        id = checked_id(Region, request.segments["region_id"])
        secrets = self._service.secrets if request.values["secrets"] == "include" else None
        files = self._service.files(id)
        wanted = BundleRequest(
            region_id=id, target=target, filters=filters, files=files, secrets=secrets
        )
        with one_state(self._driver) as reader:
            region = reader.get(Region, id)
            bundle = plan(
                reader,
                self._permitted(reader, wanted),
                snapshot=Capability.SNAPSHOT in self._driver.capabilities,
            )
            tag = self._tag(bundle.etag)
            if not conditions.for_read(tag):
                return not_modified(tag)
            headers = [
                ("Content-Type", BUNDLE_TYPES[self._ending]),
                ("Content-Disposition", disposition(f"{region.name}.{self._ending}")),
            ]
            if request.method == "HEAD":
                return Response(headerlist=[*headers, entity_tag(tag)])
            with ExitStack() as held:
                held.enter_context(self._service.bundles.taken())
                spool = held.enter_context(bundle.collect(self._spools))
                if spool.holds_secrets:
                    record(
                        request_id=request.request_id,
                        caller=caller.current().user_id,
                        action="read bundle",
                        region_id=id,
                    )
                download = Download(self._packed(spool), held.pop_all())
        # The store is not needed any more, so a slow client keeps nothing there waiting.
        if spool.etag is not None:
            headers.append(entity_tag(self._tag(spool.etag)))
        return Response(app_iter=download, headerlist=headers)

    def _permitted(self, reader: InventoryReader, wanted: BundleRequest) -> BundleRequest:
        """Return what the caller may have of what they want: secrets, if there are any, or not."""
        if (
            wanted.secrets is None
            or wanted.target is Target.SCRIPT
            or self._service.access.allows(READ_SECRETS)
        ):
            return wanted
        if holds_secrets(reader, wanted):
            raise denied(READ_SECRETS, "a bundle with secrets")
        # One that comes meanwhile must not be in it.
        return dataclasses.replace(wanted, secrets=None)

    def _tag(self, etag: str) -> str:
        # One plan makes other bytes in another format.
        return f"{etag}-{self._ending}"

    def _packed(self, spool: Spool) -> Iterator[bytes]:
        if self._ending == _SCRIPT:
            return spool.document()
        return spool.archive(Format(self._ending))


class Download:
    """A bundle on its way to a client.

    A fault on the way is raised to the server, which then breaks the connection: the client sees
    that the file is not whole. So it ends when the time of the request is over.

    Args:
        pieces: What is sent.
        held: What is given back in the end.
    """

    def __init__(self, pieces: Iterator[bytes], held: ExitStack) -> None:
        self._held = held
        self._source = pieces
        self._pieces = deadline.watched(pieces)

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._pieces
        except Exception:
            LOG.exception("A bundle broke off")
            raise

    def close(self) -> None:
        """Stop the work and give the room back; WSGI calls this whatever happened."""
        if isinstance(self._source, Generator):
            self._source.close()
        self._held.close()


def disposition(name: str) -> str:
    """Return the Content-Disposition that proposes a file name, whatever the name holds."""
    plain = _UNSAFE.sub("_", name).lstrip(".") or "inventory"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def inventory(service: Service) -> tuple[Below, ...]:
    """Return what stands below ``/v1/inventory``."""
    bundles = (
        Below(name="region_id", resource=BundleOf(service, ending), ending=f".{ending}")
        for ending in BUNDLE_TYPES
    )
    return (*bundles, Below(name="region_id", resource=ImportInto(service)))
