"""Writing a secret and its payload as one: what is known of it always fits what is sealed."""

from __future__ import annotations

import dataclasses
import logging
from dataclasses import dataclass
from typing import Final

from craton.bundles.groups import in_region
from craton.driver import (
    Change,
    Create,
    InventoryDriver,
    InventoryReader,
    Replace,
    new_revision,
    now,
)
from craton.errors import BackendFault, CratonError, Unavailable
from craton.models import Entity, Host, Payload, Region, Secret, Tenant
from craton.query import Compare, In, Operator, Predicate, Query
from craton.secrets import SecretStore, describe

LOG = logging.getLogger(__name__)

#: How many secrets one query asks for.
_CHUNK: Final = 500


def payload_of(reader: InventoryReader, secret: Secret) -> Payload | None:
    """Return the sealed payload of a secret, ``None`` while there is none."""
    where = Compare(("secret_id",), Operator.EQ, secret.id)
    return next(iter(reader.find(Payload, Query(where=where, limit=1)).items), None)


@dataclass(frozen=True)
class Sealing:
    """Writes secrets.

    Attributes:
        driver: Where they are.
        store: What seals their payloads.
    """

    driver: InventoryDriver
    store: SecretStore

    def write(self, before: Secret, after: Secret, content: bytes | None = None) -> Secret:
        """Store another state of a secret, sealed anew where the seal or the content is another.

        Args:
            before: As it is stored; it must be so still.
            after: As it is to be. What Craton says of the payload is not looked at.
            content: The new payload; ``None`` leaves it as it is.

        Raises:
            InvalidValue: The payload is not what ``format`` says.
            SealBroken: The stored payload cannot be opened.
            CratonError: As ``InventoryDriver.apply``.
        """
        old = payload_of(self.driver, before)
        moved = (before.name, before.format) != (after.name, after.format)
        if content is None and old is not None and moved:
            content = self.store.open(old.sealed, before.host_id, before.name)
        after = dataclasses.replace(
            _described(before, after, content),
            revision=new_revision(),
            created_at=before.created_at,
            updated_at=now(),
        )
        # Stamped here, so that it need not be read again: a fault then would hide that it is done.
        changes: list[Change] = [Replace(entity=after, if_revision=before.revision, verbatim=True)]
        new = None
        if content is not None:
            new = Payload(
                id=old.id if old else "",
                secret_id=after.id,
                sealed=self.store.seal(content, after.host_id, after.name),
            )
            changes.append(Replace(entity=new) if old else Create(entity=new))
        try:
            self.driver.apply(changes)
        except (Unavailable, BackendFault):
            raise  # It may have been written all the same.
        except CratonError:
            self.forget(new)
            raise
        if new is not None:
            self.forget(old)
        return after

    def below(self, entity: Entity) -> list[Payload]:
        """Return the payloads below an entity, as far as the store keeps something for them."""
        if not self.store.keeps:
            return []
        where = self._where(entity)
        if where is None:
            return []
        secrets = [secret.id for secret in self.driver.scan(Secret, Query(where=where))]
        found: list[Payload] = []
        for start in range(0, len(secrets), _CHUNK):
            chunk = In(("secret_id",), tuple(secrets[start : start + _CHUNK]))
            found.extend(self.driver.scan(Payload, Query(where=chunk)))
        return found

    def _where(self, entity: Entity) -> Predicate | None:
        """Return what holds of the secrets below an entity; ``None`` where there are none."""
        match entity:
            case Secret():
                return Compare(("id",), Operator.EQ, entity.id)
            case Host():
                return Compare(("host_id",), Operator.EQ, entity.id)
            case Region():
                return in_region(entity.id)
            case Tenant():
                of_tenant = Query(where=Compare(("tenant_id",), Operator.EQ, entity.id))
                regions = tuple(region.id for region in self.driver.scan(Region, of_tenant))
                return In(("region_id",), regions)
        return None

    def forget(self, payload: Payload | None) -> None:
        """Let the store forget what nobody will open again; if it is away, the log says so."""
        if payload is None:
            return
        try:
            self.store.discard(payload.sealed)
        except Unavailable:
            LOG.warning(
                "The secret store is away: it keeps what was sealed for secret %s, which nobody "
                "needs any more",
                payload.secret_id,
            )


def _described(before: Secret, after: Secret, content: bytes | None) -> Secret:
    """Return a secret with what Craton says of its payload."""
    if content is None:
        return dataclasses.replace(
            after, size=before.size, sha256=before.sha256, details=before.details
        )
    found = describe(content, after.format)
    return dataclasses.replace(after, size=found.size, sha256=found.sha256, details=found.details)
