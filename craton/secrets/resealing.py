"""Sealing anew what is stored: after a rotation with the new key, or by another store."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from craton.driver import UPDATE_ATTEMPTS, InventoryDriver
from craton.errors import NotFound, RevisionConflict, SealBroken
from craton.models import Payload, Secret
from craton.query import Query
from craton.secrets.store import SecretStore

#: How many payloads to read at once; each may have more than a megabyte.
_PAGE: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Resealed:
    """What became of one payload.

    Attributes:
        secret_id: The secret that it belongs to.
        sealed: The text that is stored now.
        changed: Whether it was sealed anew.
        error: Why it could not be; it is as it was.
    """

    secret_id: str
    sealed: str
    changed: bool = False
    error: SealBroken | None = None


def reseal(
    driver: InventoryDriver, store: SecretStore, former: Sequence[SecretStore] = ()
) -> Iterator[Resealed]:
    """Seal every payload anew that is not sealed as ``store`` would do it now.

    The service may go on meanwhile: whatever somebody writes wins over what is done here. A payload
    that does not open stops nothing, and stays. Beginning again goes on where the last one stopped.

    Args:
        driver: Where the payloads are, open.
        store: What seals, started.
        former: Stores that open what ``store`` did not seal, started. A text that was replaced is
            discarded there.

    Yields:
        What became of each payload that there was throughout.

    Raises:
        Unavailable: A store or the driver is away.
    """
    query = Query(limit=_PAGE)
    while True:
        page = driver.find(Payload, query)
        for payload in page.items:
            if (result := _reseal(driver, store, [store, *former], payload)) is not None:
                yield result
        if page.next is None:
            return
        query = dataclasses.replace(query, page=page.next)


def _reseal(
    driver: InventoryDriver, store: SecretStore, stores: Sequence[SecretStore], payload: Payload
) -> Resealed | None:
    """Seal one payload anew; ``None`` if it is gone."""
    try:
        for _ in range(UPDATE_ATTEMPTS):
            if store.is_current(payload.sealed):
                return Resealed(secret_id=payload.secret_id, sealed=payload.sealed)
            secret = driver.get(Secret, payload.secret_id)
            opener = next((one for one in stores if one.made(payload.sealed)), store)
            try:
                content = opener.open(payload.sealed, secret.host_id, secret.name)
            except SealBroken as error:
                # Unless it was renamed a moment ago, between the two reads.
                again = driver.get(Payload, payload.id)
                if again.revision == payload.revision:
                    return Resealed(secret_id=payload.secret_id, sealed=payload.sealed, error=error)
                payload = again
                continue
            sealed = store.seal(content, secret.host_id, secret.name)
            try:
                after = dataclasses.replace(payload, sealed=sealed)
                driver.replace(after, if_revision=payload.revision)
            except (NotFound, RevisionConflict):
                store.discard(sealed)
                payload = driver.get(Payload, payload.id)
                continue
            opener.discard(payload.sealed)
            return Resealed(secret_id=payload.secret_id, sealed=sealed, changed=True)
    except NotFound:
        return None
    raise RevisionConflict(Payload.kind, payload.id)
