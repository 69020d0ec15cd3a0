"""What a caller may write into an entity, beyond the rule of the route."""

from __future__ import annotations

from collections.abc import Mapping

from craton import caller
from craton.api.auth.access import Access
from craton.api.auth.rules import ASSIGN, RENAME, TEMPLATE
from craton.models import Entity, Tenant


def check_content(access: Access, after: Entity, before: Entity | None) -> None:
    """Check what somebody wants to store.

    Args:
        access: Tells what they may do.
        after: What they want to store.
        before: What is stored, ``None`` for what is new.

    Raises:
        PermissionDenied: It holds a template that is not stored already, or gives a tenant to
            another project or another name, and they do not pass the rule for that.
    """
    if not access.is_limited:
        return
    # An unchanged one may be written back: who reads it has it.
    if not templates(after).items() <= templates(before).items():
        access.require(TEMPLATE, "to enter or change a template")
    if isinstance(after, Tenant):
        _check_tenant(access, after, before)


def templates(entity: Entity | None) -> Mapping[str, str | None]:
    """Return the variables of an entity that Ansible may template, as JSON text by name."""
    flags: tuple[str, ...] = getattr(entity, "templated", ())
    if not flags:
        return {}
    members: Mapping[str, str] = entity.variables.members()  # type: ignore[union-attr]
    return {name: members.get(name) for name in flags}


def is_bound(access: Access, after: Entity) -> bool:
    """Tell whether a write was allowed only because of what is stored, and so must replace that."""
    return access.is_limited and bool(isinstance(after, Tenant) or templates(after))


def _check_tenant(access: Access, after: Tenant, before: Entity | None) -> None:
    project = before.project_id if isinstance(before, Tenant) else caller.current().project_id
    if after.project_id != project:
        access.require(ASSIGN, "to say to which project a tenant belongs")
    if isinstance(before, Tenant) and after.name != before.name:
        access.require(RENAME, "to rename a tenant")
