"""The import itself: read, plan against one state of the region, write all or nothing."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Final

from craton.capabilities import Capability
from craton.driver import InventoryDriver, InventoryReader
from craton.errors import (
    AlreadyExists,
    Cycle,
    InvalidReference,
    InvalidValue,
    NotFound,
    RevisionConflict,
    TooManyDeletions,
)
from craton.imports.document import read
from craton.imports.plan import Accept, Plan, accept_all, make_plan
from craton.imports.report import ImportReport
from craton.imports.states import Mode
from craton.models import Group, Host

#: How often an import is planned again when somebody else writes to the region meanwhile.
ATTEMPTS: Final = 5

#: What a plan that was right may meet when it is carried out: the region moved on.
_OUTRUN: Final = (RevisionConflict, AlreadyExists, NotFound, InvalidReference, Cycle)


def import_inventory(
    driver: InventoryDriver,
    region_id: str,
    document: bytes,
    *,
    mode: str,
    dry_run: bool = False,
    expect_max_deletes: int | None = None,
    accept: Accept = accept_all,
) -> ImportReport:
    """Enter an exported Ansible inventory into a region, all or nothing.

    Variables of ``all`` become the region's. A host that fills fields of its own by
    ``ansible_host``, ``ansible_port`` or ``ansible_user`` has no such variable. What is there
    already is not written.

    Args:
        driver: Where the region is.
        region_id: The region.
        document: What ``ansible-inventory --list --export`` printed.
        mode: ``merge`` adds to the region and overwrites; ``replace`` makes the region what the
            document says, and deletes the other hosts and groups with all that belongs to them.
        dry_run: Check everything and count, but write nothing.
        expect_max_deletes: Refuse to delete more hosts and groups than this.
        accept: Called with what would be stored and what is stored, ``None`` for what is new; it
            raises what refuses the import.

    Returns:
        How many groups and hosts were, or would be, created, updated, deleted, left alone.

    Raises:
        InvalidValue: The mode is unknown, or the document breaks a rule; the error names the place.
        NotFound: There is no such region.
        AlreadyExists: A name is taken by something else.
        Cycle: A group would be its own ancestor.
        TooManyDeletions: More than ``expect_max_deletes`` would go.
        RevisionConflict: ``ATTEMPTS`` times somebody else changed the region meanwhile; so may
            NotFound, InvalidReference, AlreadyExists and Cycle.
        ReadOnly: Something that would change is another system's.
        Unsupported: The driver lacks ATOMIC_BATCH, or does not write groups and hosts.
    """
    chosen = _mode(mode)
    _require_capabilities(driver)
    for attempt in range(1, ATTEMPTS + 1):
        plan = _plan(driver, region_id, document, chosen, accept)
        deletions = plan.report.deleted.total
        if expect_max_deletes is not None and deletions > expect_max_deletes:
            raise TooManyDeletions(deletions, expect_max_deletes)
        if dry_run or not plan.changes:
            break
        try:
            driver.apply(plan.drain())
            break
        except _OUTRUN:
            if attempt == ATTEMPTS:
                raise
    return plan.report


def _mode(name: str) -> Mode:
    try:
        return Mode(name)
    except ValueError as error:
        names = " or ".join(mode.value for mode in Mode)
        raise InvalidValue("mode", f"must be {names}") from error


def _require_capabilities(driver: InventoryDriver) -> None:
    driver.capabilities.require(Capability.ATOMIC_BATCH)
    driver.capabilities.require(Capability.CAS)
    for kind in (Group, Host):
        driver.capabilities.require_amendable(kind)


def _plan(
    driver: InventoryDriver, region_id: str, document: bytes, mode: Mode, accept: Accept
) -> Plan:
    # The text is read anew for each plan: a plan uses up what was read, to save memory.
    inventory = read(document)
    with _one_state(driver) as reader:
        return make_plan(reader, region_id, inventory, mode, accept)


def _one_state(driver: InventoryDriver) -> AbstractContextManager[InventoryReader]:
    # Without a snapshot the plan is made from what passes by, and revisions find out if it moved.
    if Capability.SNAPSHOT in driver.capabilities:
        return driver.snapshot()
    return nullcontext(driver)
