"""The options of the group ``[nautobot]``, read once into a value that the rest works with."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from oslo_config import cfg, types

from craton.errors import ConfigurationError, InvalidValue
from craton.names import check_variable_name

GROUP: Final = "nautobot"

#: What becomes a group: the name of the sort, and how its groups' names begin.
PREFIXES: Final[Mapping[str, str]] = {
    "roles": "role_",
    "tags": "tag_",
    "platforms": "platform_",
    "dynamic_groups": "group_",
}

#: The fields that a custom field may fill, by the kind that has them.
FILLED: Final[Mapping[str, frozenset[str]]] = {
    "tenant": frozenset({"customer", "project_id"}),
    "host": frozenset({"asset_id", "ssh_port", "ssh_user"}),
}

_PREFIX = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)?\Z")
_OF_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO

OPTIONS: Final[Sequence[cfg.Opt]] = (
    cfg.StrOpt(
        "endpoint",
        help="The address of the Nautobot, such as https://nautobot.example.com. Plain http is for "
        "loopback alone, because the token would be there for all to read.",
    ),
    cfg.StrOpt(
        "token_file",
        help="The file with the API token, which nobody but its owner may read. It is read again "
        "with each request. A token without write permission is enough.",
    ),
    cfg.StrOpt(
        "ca_file",
        help="The certificate authorities to trust, as a PEM file, instead of the well-known ones.",
    ),
    cfg.FloatOpt(
        "timeout",
        default=20.0,
        min=0.1,
        max=25.0,
        help="After how many seconds of silence a request is given up.",
    ),
    cfg.FloatOpt(
        "deadline",
        default=120.0,
        min=1.0,
        help="After how many seconds a request is given up, although something still comes.",
    ),
    cfg.IntOpt(
        "page_size", default=500, min=1, max=1000, help="How many objects one request asks for."
    ),
    cfg.IntOpt(
        "parallel", default=2, min=1, max=16, help="How many requests run at once in a whole read."
    ),
    cfg.FloatOpt(
        "full_interval",
        default=3600.0,
        min=0.0,
        help="After how many seconds everything is read again, because not every change in "
        "Nautobot can be seen from outside.",
    ),
    cfg.ListOpt(
        "region_types",
        default=[],
        help="The names of the location types whose locations are regions. A device is in the "
        "nearest one above it. By default the topmost locations are the regions.",
    ),
    cfg.StrOpt(
        "default_tenant",
        default="default",
        help="The name of the tenant for what has none in Nautobot.",
    ),
    cfg.ListOpt(
        "active_statuses",
        default=["Active"],
        help="The names of the statuses in which a host is active.",
    ),
    cfg.StrOpt(
        "address_family",
        default="ipv4",
        choices=[
            ("ipv4", "the IPv4 address, if it has one"),
            ("ipv6", "the IPv6 address, if it has one"),
        ],
        help="Which of two primary addresses of a host counts.",
    ),
    cfg.StrOpt(
        "asset_id",
        default="asset_tag",
        choices=[("asset_tag", "the asset tag"), ("serial", "the serial number")],
        help="What of a device becomes asset_id. A virtual machine has neither.",
    ),
    cfg.Opt(
        "group_prefixes",
        type=types.Dict(),
        default=dict(PREFIXES),
        help="What becomes a group, and how the names of such groups begin. What is left out makes "
        "no groups. A prefix may be empty if it is the only one.",
    ),
    cfg.StrOpt(
        "context_variable",
        default="",
        help="The variable that gets the whole config context. By default each of its topmost keys "
        "is a variable of its own.",
    ),
    cfg.StrOpt(
        "custom_field_prefix",
        default="cf_",
        help="How the variables of custom fields begin.",
    ),
    cfg.ListOpt(
        "ignored_variables",
        default=[],
        help="Topmost keys of config contexts, and prefixed custom fields, that make no variable.",
    ),
    cfg.Opt(
        "fields",
        type=types.Dict(),
        default={},
        help="Custom fields that fill a field instead of a variable, such as "
        "project_id:keystone_project,ssh_port:ssh_port. Of tenants these may be customer and "
        "project_id, of hosts asset_id, ssh_port and ssh_user.",
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The options, checked."""

    endpoint: str
    token_file: Path
    ca_file: Path | None
    timeout: float
    deadline: float
    page_size: int
    parallel: int
    full_interval: float
    region_types: frozenset[str]
    default_tenant: str
    active_statuses: frozenset[str]
    address_family: str
    asset_id: str
    group_prefixes: Mapping[str, str]
    context_variable: str
    custom_field_prefix: str
    ignored_variables: frozenset[str]
    fields: Mapping[str, str]

    @classmethod
    def read(cls, found: cfg.ConfigOpts.GroupAttr) -> Self:
        """Take the values that were configured.

        Raises:
            ConfigurationError: One is missing, or they do not fit together.
        """
        for name in ("endpoint", "token_file"):
            if not found[name]:
                raise ConfigurationError(f"set [{GROUP}] {name}")
        _check_endpoint(found.endpoint)
        _check_prefixes(found.group_prefixes)
        _check_variables(found)
        _check_fields(found.fields)
        return cls(
            endpoint=found.endpoint.rstrip("/"),
            token_file=Path(found.token_file),
            ca_file=Path(found.ca_file) if found.ca_file else None,
            timeout=found.timeout,
            deadline=found.deadline,
            page_size=found.page_size,
            parallel=found.parallel,
            full_interval=found.full_interval,
            region_types=frozenset(found.region_types),
            default_tenant=found.default_tenant,
            active_statuses=frozenset(found.active_statuses),
            address_family=found.address_family,
            asset_id=found.asset_id,
            group_prefixes=dict(found.group_prefixes),
            context_variable=found.context_variable,
            custom_field_prefix=found.custom_field_prefix,
            ignored_variables=frozenset(found.ignored_variables),
            fields=dict(found.fields),
        )

    def meaning(self) -> bytes:
        """Return a digest of what decides which entities are made; a token is of one meaning."""
        decisive = (
            self.endpoint,
            sorted(self.region_types),
            self.default_tenant,
            sorted(self.active_statuses),
            self.address_family,
            self.asset_id,
            sorted(self.group_prefixes.items()),
            self.context_variable,
            self.custom_field_prefix,
            sorted(self.ignored_variables),
            sorted(self.fields.items()),
        )
        return hashlib.blake2b(json.dumps(decisive).encode(), digest_size=16).digest()

    def filled(self, kind: str) -> Mapping[str, str]:
        """Return the fields of a kind that custom fields fill, with the keys of these."""
        return {name: key for name, key in self.fields.items() if name in FILLED[kind]}

    def token(self) -> str:
        """Read the API token.

        Raises:
            ConfigurationError: The file cannot be read, is open to others, or holds no token.
        """
        try:
            with self.token_file.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                token = file.read(4096).decode("ascii").strip()
        except (OSError, UnicodeError) as error:
            raise ConfigurationError(
                f"[{GROUP}] token_file: {self.token_file} cannot be read"
            ) from error
        if mode & _OF_OTHERS:
            raise ConfigurationError(
                f"[{GROUP}] token_file: {self.token_file} is open to others than its owner "
                f"(mode {stat.S_IMODE(mode):o}): chmod 600 it"
            )
        if not token or not token.isprintable() or " " in token:
            raise ConfigurationError(f"[{GROUP}] token_file: {self.token_file} holds no token")
        return token


def _check_endpoint(endpoint: str) -> None:
    try:
        url = urlsplit(endpoint)
        host, _ = url.hostname, url.port
    except ValueError as error:
        raise ConfigurationError(f"[{GROUP}] endpoint is no URL") from error
    if url.scheme not in ("http", "https") or not host:
        raise ConfigurationError(f"[{GROUP}] endpoint must be a URL that begins with https://")
    if url.username is not None or url.query or url.fragment:
        raise ConfigurationError(f"[{GROUP}] endpoint must have no user, query or fragment")
    if url.scheme == "http" and not _is_loopback(host):
        raise ConfigurationError(
            f"[{GROUP}] endpoint must begin with https://: by http, everybody on the way could "
            "read the token"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_prefixes(prefixes: Mapping[str, str]) -> None:
    for sort, prefix in prefixes.items():
        if sort not in PREFIXES:
            raise ConfigurationError(
                f"[{GROUP}] group_prefixes: {sort!r} is none of {', '.join(PREFIXES)}"
            )
        if not _PREFIX.match(prefix):
            raise ConfigurationError(
                f"[{GROUP}] group_prefixes: {prefix!r} must begin with a letter, and go on with "
                "letters, digits, _"
            )
    for one, other in permutations(prefixes.values(), 2):
        if other.startswith(one):
            raise ConfigurationError(
                f"[{GROUP}] group_prefixes: {other!r} begins with {one!r}, so groups of both "
                "could have one name"
            )


def _check_variables(found: cfg.ConfigOpts.GroupAttr) -> None:
    try:
        if found.context_variable:
            check_variable_name(found.context_variable, "context_variable")
        check_variable_name(f"{found.custom_field_prefix}x", "custom_field_prefix")
    except InvalidValue as error:
        raise ConfigurationError(f"[{GROUP}] {error}") from error


def _check_fields(fields: Mapping[str, str]) -> None:
    known = frozenset().union(*FILLED.values())
    for field in fields:
        if field not in known:
            raise ConfigurationError(
                f"[{GROUP}] fields: {field!r} is none of {', '.join(sorted(known))}"
            )
