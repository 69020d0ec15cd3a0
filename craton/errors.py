"""Everything that can go wrong at the contract, as one tree.

::

    CratonError
    ├── InvalidInput            what the caller gave breaks a rule
    │   ├── InvalidValue        a field of an entity
    │   ├── InvalidQuery        a predicate, an order, a limit
    │   ├── InvalidPageToken    a token of another query, or no token at all
    │   └── InvalidReference    a parent or a link that does not exist there
    ├── NotFound
    ├── Conflict                the request is right, the state is not
    │   ├── AlreadyExists       a name that is taken
    │   ├── Cycle               a group that would be its own ancestor
    │   ├── TooManyDeletions    an import that would empty a region
    │   ├── RevisionConflict    somebody else wrote first
    │   ├── InUse               children stand in the way of a delete
    │   ├── ReadOnly            another system owns this
    │   ├── SyncHeld            a sync would drop more hosts than it may without a word
    │   ├── RunEnded            a run has ended already
    │   └── LeaseLost           somebody else carries out the run now
    ├── PermissionDenied
    ├── Unsupported             a capability that the driver does not claim
    ├── Unavailable             the store is away; trying again may help
    │   ├── Indeterminate       it went away while it stored: everything is stored, or nothing
    │   ├── OwnerUnavailable    the system that owns the inventory is; the store is not
    │   └── TooSlow             it took longer than whoever asked may wait; nothing is stored
    ├── BackendFault            the store misbehaved; trying again may not help
    │   └── SealBroken          what is stored of a secret does not give its payload back
    ├── ReferenceUnusable       a file that somebody referred to cannot be used
    │   ├── ReferenceUnavailable    it cannot be had
    │   ├── ReferenceMalformed      it is not what Ansible would take for variables
    │   └── PinMismatch             it is another one than was pinned
    └── ConfigurationError
        ├── DriverNotFound
        ├── DriverNotLoadable
        ├── ContractMismatch
        └── SchemaOutdated

Every error carries its facts as fields, so that a caller need not parse a message. A driver raises
nothing else; what a vendor's library raises is translated, ``from`` the original. HTTP status codes
are an affair of the API.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar


class CratonError(Exception):
    """The root of the tree.

    Attributes:
        code: A stable word for programs; it does not change between versions.
        fields: The facts of this occurrence, JSON values by name.
        change: The position of the change at fault, when the error ended an ``apply``.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **fields: object) -> None:
        super().__init__(message)
        self.message = message
        self.fields: Mapping[str, object] = fields
        self.change: int | None = None

    def __str__(self) -> str:
        return self.message


class InvalidInput(CratonError):
    """What the caller gave breaks a rule; nothing was written."""

    code = "invalid"


class InvalidValue(InvalidInput):
    """A field holds what it cannot hold.

    Args:
        field: The path of the field, such as ``variables.ntp.servers``.
        rule: What the field must be, and how to mend it.
    """

    code = "invalid_value"

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}", field=field)
        self.field = field
        self.rule = rule


class InvalidQuery(InvalidInput):
    """A query that has no meaning for this kind of entity."""

    code = "invalid_query"


class InvalidPageToken(InvalidInput):
    """A page token that was not made by this query."""

    code = "invalid_page_token"

    def __init__(self) -> None:
        super().__init__(
            "the page token does not belong to this query; start again without one",
        )


class InvalidReference(InvalidInput):
    """A field names an entity that does not exist, or not where it may be named.

    Args:
        field: The field that holds the reference.
        id: The id that it holds.
        rule: What must hold, where "does not exist" would not say it.
    """

    code = "invalid_reference"

    def __init__(self, field: str, id: str, rule: str = "names nothing that exists") -> None:
        super().__init__(f"{field}: {id!r} {rule}", field=field, id=id)
        self.field = field
        self.id = id


class NotFound(CratonError):
    """No entity of this kind has this id."""

    code = "not_found"

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"there is no {kind} {id!r}", kind=kind, id=id)
        self.kind = kind
        self.id = id


class Conflict(CratonError):
    """The request is well formed, but the present state refuses it."""

    code = "conflict"


class AlreadyExists(Conflict):
    """The value of a unique field is taken.

    Args:
        kind: The kind of entity that holds the value (a host's name may be held by a group).
        field: The unique field.
        value: The value that is taken.
        rule: Why the two cannot stand together, where "is taken" would not say it.
    """

    code = "already_exists"

    def __init__(self, kind: str, field: str, value: str, rule: str = "") -> None:
        message = rule or f"there is already a {kind} with the {field} {value!r}"
        super().__init__(message, kind=kind, field=field, value=value)
        self.kind = kind
        self.field = field
        self.value = value


class RevisionConflict(Conflict):
    """The entity is no longer at the revision that the caller had read."""

    code = "revision_conflict"

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(
            f"the {kind} {id!r} was changed since it was read; read it again", kind=kind, id=id
        )
        self.kind = kind
        self.id = id


class InUse(Conflict):
    """A delete would orphan children."""

    code = "in_use"

    def __init__(self, kind: str, id: str, children: str) -> None:
        super().__init__(
            f"the {kind} {id!r} still has {children}; delete them first, or cascade",
            kind=kind,
            id=id,
            children=children,
        )
        self.kind = kind
        self.id = id


class Cycle(Conflict):
    """A group would become its own ancestor.

    Args:
        path: The names of the groups on the cycle, the first one repeated at the end.
    """

    code = "cycle"

    def __init__(self, path: Iterable[str]) -> None:
        names = list(path)
        super().__init__("groups cannot form a cycle: " + " → ".join(names), path=names)


class TooManyDeletions(Conflict):
    """An import would delete more than the caller expected."""

    code = "too_many_deletions"

    def __init__(self, deletions: int, expected: int) -> None:
        super().__init__(
            f"the import would delete {deletions} hosts and groups, more than the {expected} "
            "expected; raise expect_max_deletes if that is meant",
            deletions=deletions,
            expect_max_deletes=expected,
        )


class ReadOnly(Conflict):
    """The entity, or this field of it, is owned by another system.

    Args:
        owner: The system that owns it.
        url: Where the object can be changed, when the owner has a page for it.
    """

    code = "read_only"

    def __init__(self, owner: str, url: str | None = None) -> None:
        where = f" at {url}" if url else ""
        super().__init__(f"{owner} owns this; change it there{where}", owner=owner, url=url)
        self.owner = owner
        self.url = url


class SyncHeld(Conflict):
    """A sync would drop more of a region's hosts than it may unless somebody confirms it.

    Args:
        owner: The system that owns them.
        regions: The names of the regions.
    """

    code = "sync_held"

    def __init__(self, owner: str, regions: Iterable[str]) -> None:
        names = list(regions)
        super().__init__(
            f"{owner} would drop too many hosts of {', '.join(names)}; what was known before stays "
            "until somebody runs: craton-manage cmdb sync --confirm",
            owner=owner,
            regions=names,
        )


class RunEnded(Conflict):
    """The run has ended, so nothing of it can be changed.

    Args:
        run_id: The run.
        state: How it ended.
    """

    code = "run_ended"

    def __init__(self, run_id: str, state: str) -> None:
        super().__init__(f"the run has ended: it is {state}", id=run_id, state=state)


class LeaseLost(Conflict):
    """Somebody else carries out the run now, so what this one tells is not taken.

    Args:
        run_id: The run.
    """

    code = "lease_lost"

    def __init__(self, run_id: str) -> None:
        super().__init__("the run was taken over by another conductor, or has ended", id=run_id)


class PermissionDenied(CratonError):
    """The caller may not do this."""

    code = "permission_denied"


class Unsupported(CratonError):
    """The driver does not claim the capability that the call needs.

    Args:
        capability: The name of the missing capability.
    """

    code = "unsupported"

    def __init__(self, capability: str, message: str = "") -> None:
        super().__init__(
            message or f"the inventory driver does not offer {capability}", capability=capability
        )
        self.capability = capability


class Unavailable(CratonError):
    """The store cannot be reached, or is too busy; the same call may succeed later.

    Args:
        message: What was tried. Never a vendor's text, which may hold a password.
        retry_after: Seconds after which another try is sensible.
    """

    code = "unavailable"

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message, retry_after=retry_after)
        self.retry_after = retry_after


class TooSlow(Unavailable):
    """The work took longer than it may, and was given up before anything was stored."""

    code = "too_slow"

    def __init__(self) -> None:
        super().__init__(
            "this took longer than a request may; ask for less at once, or when less is going on",
            retry_after=30,
        )


class OwnerUnavailable(Unavailable):
    """The system that owns the inventory gives no answer; what it last said is still there.

    Args:
        owner: The system.
        message: What went wrong, without its words.
        retry_after: Seconds after which another try is sensible.
    """

    code = "owner_unavailable"

    def __init__(self, owner: str, message: str, retry_after: int = 5) -> None:
        super().__init__(message, retry_after)
        self.fields = {"owner": owner, **self.fields}
        self.owner = owner


class Indeterminate(Unavailable):
    """The store was lost while it committed: the write was made as a whole, or not at all.

    Whoever repeats the write must first look whether it was made, or write in a way that can be
    repeated: with the revision that was read, with an id of his own, or, through the REST API, with
    an ``Idempotency-Key``.
    """

    code = "indeterminate"


class BackendFault(CratonError):
    """The store answered in a way that the driver cannot explain to the caller."""

    code = "backend_fault"


class SealBroken(BackendFault):
    """A sealed payload does not open; never a byte of it is told.

    Args:
        host_id: The host whose secret it is.
        name: The name of the secret.
        reason: What is wrong, as far as that can be known.
    """

    code = "seal_broken"

    def __init__(self, host_id: str, name: str, reason: str) -> None:
        super().__init__(
            f"the secret {name!r} of the host {host_id!r} does not open: {reason}",
            host_id=host_id,
            name=name,
            reason=reason,
        )
        self.host_id = host_id
        self.name = name


class ReferenceUnusable(CratonError):
    """A referenced file cannot be used; the fault is with whoever serves it.

    Args:
        url: The reference, without what could be a credential.
        reason: What is wrong, as a sentence without its subject.
    """

    code = "reference_unusable"

    def __init__(self, url: str, reason: str, **fields: object) -> None:
        super().__init__(f"the reference {url} {reason}", url=url, reason=reason, **fields)
        self.url = url
        self.reason = reason


class ReferenceUnavailable(ReferenceUnusable):
    """A referenced file cannot be had.

    Attributes:
        temporary: Whether it may be had later without anybody changing anything.
    """

    code = "reference_unavailable"

    def __init__(self, url: str, reason: str, *, temporary: bool = False) -> None:
        super().__init__(url, reason)
        self.temporary = temporary


class ReferenceMalformed(ReferenceUnusable):
    """A referenced file is not what Ansible would take for a group's variables."""

    code = "reference_malformed"


class PinMismatch(ReferenceUnusable):
    """A referenced file is another one than was pinned.

    Args:
        url: The reference, without what could be a credential.
        expected: The SHA-256 that was pinned.
        found: That of the file.
    """

    code = "pin_mismatch"

    def __init__(self, url: str, expected: str, found: str) -> None:
        super().__init__(
            url,
            f"has the SHA-256 {found}, not the pinned {expected}",
            expected=expected,
            found=found,
        )
        self.expected = expected
        self.found = found


class ConfigurationError(CratonError):
    """The service cannot start, or not in this way; the message says what to change."""

    code = "configuration"


class DriverNotFound(ConfigurationError):
    """No installed package offers a driver of this name.

    Args:
        name: The name.
        installed: The names that there are.
        called: What one is called; an adapter of a CMDB is found in the same way.
        option: The option that names one.
    """

    code = "driver_not_found"

    def __init__(
        self,
        name: str,
        installed: Iterable[str],
        called: str = "inventory driver",
        option: str = "[inventory] driver",
    ) -> None:
        names = sorted(installed)
        super().__init__(
            f"no {called} is called {name!r}; installed: {', '.join(names) or 'none'}. "
            f"Set {option} to one of these, or install the package that brings it",
            name=name,
            installed=names,
        )


class DriverNotLoadable(ConfigurationError):
    """The driver is installed, but its code does not load."""

    code = "driver_not_loadable"


class ContractMismatch(ConfigurationError):
    """The driver was written for another version of the contract."""

    code = "contract_mismatch"


class SchemaOutdated(ConfigurationError):
    """The store's schema is not the one that this version needs."""

    code = "schema_outdated"
