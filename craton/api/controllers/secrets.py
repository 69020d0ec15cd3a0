"""Secrets of hosts: what anybody may know of them, and the bytes that few may read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from webob import Response

from craton import caller
from craton.api import types
from craton.api.access import one_state, stored
from craton.api.conditions import Conditions
from craton.api.controllers.entities import Collection, Item, OfKind
from craton.api.controllers.resource import Below, Service, answers
from craton.api.controllers.responses import entity_response, entity_tag, no_content, not_modified
from craton.api.patches import completed, patched
from craton.api.request import Request
from craton.api.routes import BYTES
from craton.api.sealing import payload_of
from craton.errors import NotFound, RevisionConflict
from craton.models import Payload, Secret
from craton.secrets.audit import record

#: How often a write without a condition starts again when somebody else writes the same secret.
_ATTEMPTS: Final = 5

#: How an answer with a secret is treated on its way, and by who gets it.
_GUARDED: Final = [
    ("Content-Type", BYTES),
    ("Cache-Control", "no-store"),
    ("Content-Disposition", "attachment"),
    ("X-Content-Type-Options", "nosniff"),
]


class SecretItem(Item[Secret]):
    """One secret, without its payload."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, Secret, {"payload": SecretPayload(service)})
        self._sealing = service.sealing

    @answers
    def put(self, request: Request, response: Response) -> Response:
        """Replace what is known of it; the payload stays."""
        conditions = self.conditions(request)
        wanted = types.entity_from(
            Secret,
            request.document(),
            id=request.segments["id"],
            parent=self.parent_of(request),
        )
        return self._change(request, conditions, lambda before: completed(wanted, before))

    @answers
    def patch(self, request: Request, response: Response) -> Response:
        """Change some of what is known of it."""
        conditions = self.conditions(request)
        patch = request.object()
        types.agree(Secret, patch, id=request.segments["id"], parent=self.parent_of(request))
        return self._change(request, conditions, lambda before: patched(before, patch))

    def _change(
        self, request: Request, conditions: Conditions, change: Callable[[Secret], Secret]
    ) -> Response:
        def write(before: Secret) -> Secret:
            return self._sealing.write(before, change(before))

        return entity_response(written(self, request, conditions, write))


class SecretPayload(OfKind[Secret]):
    """The bytes of a secret. Their entity tag is the one of the secret, which changes with them."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, Secret)
        self._sealing = service.sealing

    @answers
    def get(self, request: Request, response: Response) -> Response:
        """Open it."""
        conditions = Conditions.of(request)
        with one_state(self.driver) as reader:
            secret = stored(reader, Secret, request.segments["id"], self.parent_of(request))
            payload = payload_of(reader, secret)
        if payload is None:
            raise NotFound(Payload.kind, secret.id)
        if not conditions.for_read(secret.revision):
            return not_modified(secret.revision)
        record(
            request_id=request.request_id,
            caller=caller.current().user_id,
            action="read payload",
            secret_id=secret.id,
        )
        content = self._sealing.store.open(payload.sealed, secret.host_id, secret.name)
        return Response(body=content, headerlist=[*_GUARDED, entity_tag(secret.revision)])

    @answers
    def put(self, request: Request, response: Response) -> Response:
        """Seal other bytes."""
        conditions = self.conditions(request)
        content = request.octets()

        def write(before: Secret) -> Secret:
            return self._sealing.write(before, before, content)

        return no_content(written(self, request, conditions, write).revision)


def written(
    place: OfKind[Secret],
    request: Request,
    conditions: Conditions,
    write: Callable[[Secret], Secret],
) -> Secret:
    """Write the secret that a path names; again, when somebody else was faster and nobody minds.

    Raises:
        NotFound: There is no such secret.
        PreconditionFailed, RevisionConflict: It is not in the state that the client insists on.
        CratonError: As ``Sealing.write``.
    """
    for _ in range(_ATTEMPTS):
        before = place.stored(request)
        conditions.for_write(before.revision)
        try:
            return write(before)
        except RevisionConflict:
            if not conditions.writes_any:
                raise
    raise RevisionConflict(Secret.kind, request.segments["id"])


def secrets(service: Service) -> tuple[Below, ...]:
    """Return what stands below ``/v1/secrets``."""
    every = Collection(service, Secret, below=(Below(name="id", resource=SecretItem(service)),))
    return (Below(name="host_id", resource=every),)
