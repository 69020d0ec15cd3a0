"""The entities: frozen values without behaviour, the only thing that crosses the contract.

A field is declared here and nowhere else. Checks, columns, wire types, filters and documentation
are derived from its description in :mod:`craton.fields`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, TypeVar

from craton.fields import (
    ID,
    Flag,
    Integer,
    Links,
    Moment,
    Names,
    Spec,
    Text,
    VariableMap,
    VariableNames,
    check_ip_address,
    check_sha256,
    declare,
    spec_of,
)
from craton.names import check_free_text, check_inventory_name, check_variable_name
from craton.variables import EMPTY, Variables

#: The time of an entity that no driver has stored yet.
NEVER = datetime.fromtimestamp(0, UTC)

_OWN_VARIABLES = VariableMap(help="Any JSON value by name.")
_TEMPLATED = VariableNames(
    help="Names of the variables whose strings Ansible may template; every other string is data."
)
_DESCRIPTION = Text(help="For people.", max_length=4096)


def _name(rule: Any, help: str) -> Text:
    return Text(help=help, min_length=1, max_length=250, sortable=True, filterable=True, rule=rule)


def _parent(kind: str) -> Text:
    return dataclasses.replace(
        ID,
        help=f"The id of its {kind}; it never changes.",
        read_only=False,
        filterable=False,
        sortable=False,
    )


#: The region that an entity deeper down is in: a copy, so that all of a region are found at once.
#: Whoever creates one takes it from the parent, which never leaves its region.
_REGION = dataclasses.replace(ID, help="The id of its region.", filterable=False, sortable=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entity:
    """What every entity has.

    Class attributes:
        kind: The name of one.
        collection: The name of many, as in routes and tables.
        parent: The kind of the parent, or ``None``; the field is ``<parent>_id``.
    """

    kind: ClassVar[str]
    collection: ClassVar[str]
    parent: ClassVar[type[Entity] | None] = None

    id: str = declare(ID, default="")
    revision: str = declare(
        Text(help="Opaque; another one after each write.", max_length=64, read_only=True),
        default="",
    )
    created_at: datetime = declare(
        Moment(help="When it was created.", read_only=True, sortable=True), default=NEVER
    )
    updated_at: datetime = declare(
        Moment(help="When it was last written.", read_only=True, sortable=True), default=NEVER
    )


E = TypeVar("E", bound=Entity)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tenant(Entity):
    """A part of a customer's fleet that is administered together. Names are unique."""

    kind: ClassVar[str] = "tenant"
    collection: ClassVar[str] = "tenants"

    name: str = declare(_name(check_free_text, "Unique."))
    customer: str = declare(
        Text(
            help="The customer; one may have several tenants.",
            max_length=250,
            filterable=True,
            rule=check_free_text,
        ),
        default="",
    )
    project_id: str | None = declare(
        Text(
            help="The Keystone project whose members see the tenant.",
            max_length=64,
            optional=True,
            filterable=True,
            rule=check_free_text,
        ),
        default=None,
    )
    description: str = declare(_DESCRIPTION, default="")
    variables: Variables = declare(_OWN_VARIABLES, default=EMPTY)
    templated: tuple[str, ...] = declare(_TEMPLATED, default=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Region(Entity):
    """The unit of an inventory, of consistency and of sharding. Names are unique in the tenant."""

    kind: ClassVar[str] = "region"
    collection: ClassVar[str] = "regions"
    parent: ClassVar[type[Entity] | None] = Tenant

    tenant_id: str = declare(_parent("tenant"))
    name: str = declare(_name(check_free_text, "Unique in the tenant."))
    description: str = declare(_DESCRIPTION, default="")
    variables: Variables = declare(_OWN_VARIABLES, default=EMPTY)
    templated: tuple[str, ...] = declare(_TEMPLATED, default=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Host(Entity):
    """A machine. Its name is unique among the hosts and groups of the region."""

    kind: ClassVar[str] = "host"
    collection: ClassVar[str] = "hosts"
    parent: ClassVar[type[Entity] | None] = Region

    region_id: str = declare(_parent("region"))
    name: str = declare(
        _name(check_inventory_name, "Unique among the hosts and groups of the region.")
    )
    ip_address: str | None = declare(
        Text(
            help="Where Ansible connects to: ansible_host.",
            max_length=64,
            optional=True,
            filterable=True,
            rule=check_ip_address,
        ),
        default=None,
    )
    ssh_port: int | None = declare(
        Integer(help="ansible_port.", minimum=1, maximum=65535, optional=True), default=None
    )
    ssh_user: str | None = declare(
        Text(
            help="ansible_user.", min_length=1, max_length=250, optional=True, rule=check_free_text
        ),
        default=None,
    )
    asset_id: str | None = declare(
        Text(
            help="What the asset database calls it.",
            max_length=250,
            optional=True,
            filterable=True,
            rule=check_free_text,
        ),
        default=None,
    )
    active: bool = declare(
        Flag(
            help="Inactive hosts are left out of bundles and runs unless asked for.",
            filterable=True,
        ),
        default=True,
    )
    groups: tuple[str, ...] = declare(
        Links(help="Ids of the groups that it is a direct member of.", kind="group"), default=()
    )
    variables: Variables = declare(_OWN_VARIABLES, default=EMPTY)
    templated: tuple[str, ...] = declare(_TEMPLATED, default=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Group(Entity):
    """Hosts that share variables. Its name is unique among the region's hosts and groups."""

    kind: ClassVar[str] = "group"
    collection: ClassVar[str] = "groups"
    parent: ClassVar[type[Entity] | None] = Region

    region_id: str = declare(_parent("region"))
    name: str = declare(
        _name(check_inventory_name, "Unique among the hosts and groups of the region.")
    )
    priority: int = declare(
        Integer(
            help="Among groups of one depth, the higher one wins: ansible_group_priority.",
            minimum=-(2**31),
            maximum=2**31 - 1,
            sortable=True,
        ),
        default=1,
    )
    parents: tuple[str, ...] = declare(
        Links(help="Ids of the groups that it is a child of; no cycles.", kind="group"), default=()
    )
    variables: Variables = declare(_OWN_VARIABLES, default=EMPTY)
    templated: tuple[str, ...] = declare(_TEMPLATED, default=())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reference(Entity):
    """A YAML file somewhere else, with variables for a region or a group."""

    name: str = declare(_name(check_inventory_name, "Unique in its owner."))
    url: str = declare(
        Text(help="Where the file is.", min_length=1, max_length=2048, rule=check_free_text)
    )
    sha256: str | None = declare(
        Text(
            help="The SHA-256 that the file must have, in hexadecimal digits.",
            max_length=64,
            optional=True,
            rule=check_sha256,
        ),
        default=None,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionReference(_Reference):
    """A YAML file somewhere else, with variables for all hosts of a region."""

    kind: ClassVar[str] = "region_reference"
    collection: ClassVar[str] = "region_references"
    parent: ClassVar[type[Entity] | None] = Region

    region_id: str = declare(_parent("region"))


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupReference(_Reference):
    """A YAML file somewhere else, with variables for a group."""

    kind: ClassVar[str] = "group_reference"
    collection: ClassVar[str] = "group_references"
    parent: ClassVar[type[Entity] | None] = Group

    region_id: str = declare(_REGION, default="")
    group_id: str = declare(_parent("group"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret(Entity):
    """What is known of a secret of a host without opening it."""

    kind: ClassVar[str] = "secret"
    collection: ClassVar[str] = "secrets"
    parent: ClassVar[type[Entity] | None] = Host

    region_id: str = declare(_REGION, default="")
    host_id: str = declare(_parent("host"))
    name: str = declare(_name(check_inventory_name, "Unique in the host; the name of its file."))
    format: str = declare(
        Text(
            help="What it is: pem, or a word of your own.",
            min_length=1,
            max_length=64,
            rule=check_free_text,
        ),
        default="pem",
    )
    variable: str | None = declare(
        Text(
            help="The host variable that gets the path of its file.",
            max_length=250,
            optional=True,
            rule=check_variable_name,
        ),
        default=None,
    )
    size: int | None = declare(
        Integer(
            help="Of the payload, in bytes; null while there is none.",
            minimum=0,
            maximum=2**20,
            optional=True,
            read_only=True,
        ),
        default=None,
    )
    sha256: str | None = declare(
        Text(
            help="Of the payload, in hexadecimal digits; null where it would help to guess.",
            max_length=64,
            optional=True,
            read_only=True,
            rule=check_sha256,
        ),
        default=None,
    )
    details: Variables = declare(
        VariableMap(help="What its format says of it, and anybody may know.", read_only=True),
        default=EMPTY,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Payload(Entity):
    """The sealed content of a secret, apart from it so that lists of secrets stay short."""

    kind: ClassVar[str] = "payload"
    collection: ClassVar[str] = "payloads"
    parent: ClassVar[type[Entity] | None] = Secret

    secret_id: str = declare(_parent("secret"))
    name: str = declare(_name(check_free_text, "Unique in the secret."), default="sealed")
    sealed: str = declare(Text(help="What the secret store made of it.", max_length=2**21))


@dataclass(frozen=True, kw_only=True, slots=True)
class Record(Entity):
    """What Craton itself remembers beside the inventory, in the same store and the same batches.

    No part of an inventory, and not in the REST API. Names are unique, and begin with the name of
    the part of Craton that wrote the record, and a slash.
    """

    kind: ClassVar[str] = "record"
    collection: ClassVar[str] = "records"

    name: str = declare(_name(check_free_text, "Unique."))
    value: str = declare(
        Text(help="What its writer likes, mostly JSON.", max_length=2**20), default=""
    )


def _said(
    help: str, max_length: int = 250, *, optional: bool = False, selective: bool = True
) -> Text:
    """Describe what a change record says of a change, in any words."""
    return Text(
        help=help,
        max_length=max_length,
        optional=optional,
        filterable=True,
        selective=selective,
    )


_CHANGED_AT = Moment(help="When the change was made.", read_only=True)
_STATE = Text(
    help="Tells states of the entity apart, revisions included; null where there is none.",
    max_length=64,
    optional=True,
    rule=check_sha256,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeRecord(Entity):
    """Who changed what and when: stored with the change, never changed itself, without values.

    It has no parent, because it outlives whatever it is about. Its name is its place in the log:
    names are in the order of time.
    """

    kind: ClassVar[str] = "change"
    collection: ClassVar[str] = "changes"

    # Not to be ordered by: the name says the same, and every index costs each write.
    created_at: datetime = declare(_CHANGED_AT, default=NEVER)
    updated_at: datetime = declare(_CHANGED_AT, default=NEVER)
    name: str = declare(
        Text(
            help="Its place in the log.",
            min_length=1,
            max_length=250,
            sortable=True,
            rule=check_free_text,
        )
    )
    region_id: str = declare(
        _said("The region of the entity; of a tenant, its own id.", ID.max_length), default=""
    )
    tenant_id: str | None = declare(
        _said("The tenant, where the entity is one, or a region.", ID.max_length, optional=True),
        default=None,
    )
    operation: str = declare(
        _said("What was done: create, replace or delete.", 16, selective=False)
    )
    cascade: bool = declare(
        Flag(help="Whether everything below the entity was deleted with it."), default=False
    )
    entity_kind: str = declare(_said("The kind of the entity.", 64, selective=False))
    entity_id: str = declare(_said("The id of the entity.", ID.max_length))
    entity_name: str = declare(
        _said("The name of the entity, after the change.", selective=False), default=""
    )
    fields: tuple[str, ...] = declare(
        Names(
            help="Names of the fields that were set or changed; of variables, `variables.<name>`, "
            "or `variables` where they are very many."
        ),
        default=(),
    )
    digest_before: str | None = declare(_STATE, default=None)
    digest_after: str | None = declare(_STATE, default=None)
    user_id: str = declare(_said("Who did it.", selective=False), default="")
    project_id: str | None = declare(
        _said("The Keystone project in which they did it.", 64, optional=True, selective=False),
        default=None,
    )
    request_id: str = declare(
        _said("The request by which they did it.", selective=False), default=""
    )


#: What Ansible calls the fields of a host that say how to connect to it.
CONNECTION_VARIABLES: Final = {
    "ip_address": "ansible_host",
    "ssh_port": "ansible_port",
    "ssh_user": "ansible_user",
}

#: The kinds that an inventory is made of, parents first: those that the REST API offers.
INVENTORY_KINDS: tuple[type[Entity], ...] = (Tenant, Region, Group, Host)

#: What else belongs to a bundle, parents first.
ATTACHED_KINDS: tuple[type[Entity], ...] = (RegionReference, GroupReference, Secret, Payload)

#: Every kind that a driver stores, parents first.
KINDS: tuple[type[Entity], ...] = (*INVENTORY_KINDS, *ATTACHED_KINDS, Record, ChangeRecord)

_SPECS = {
    kind: {field.name: spec_of(field) for field in dataclasses.fields(kind)} for kind in KINDS
}
_CHILDREN = {kind: tuple(other for other in KINDS if other.parent is kind) for kind in KINDS}


def specs(kind: type[Entity]) -> dict[str, Spec]:
    """Return the description of each field of a kind, in the order of declaration."""
    return _SPECS[kind]


def parent_field(kind: type[Entity]) -> str | None:
    """Return the name of the field that holds the parent's id, or ``None`` for a root."""
    return f"{kind.parent.kind}_id" if kind.parent else None


def children(kind: type[Entity]) -> tuple[type[Entity], ...]:
    """Return the kinds whose parent is this one: what stands in the way of its deletion."""
    return _CHILDREN[kind]


def links(kind: type[Entity]) -> Iterator[tuple[str, Links]]:
    """Yield the fields that hold ids of other entities of the same region."""
    for name, spec in specs(kind).items():
        if isinstance(spec, Links):
            yield name, spec
