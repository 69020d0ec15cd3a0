"""The rules of policy: one for each route, and a few for what the content of a request asks for.

The name of a route's rule is derived from the table of routes; who passes it stands here, and
nowhere else. A route whose rule is not here keeps the service from starting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from oslo_policy.policy import DocumentedRuleDefault, RuleDefault

from craton import config
from craton.api.limits import Limits
from craton.api.routes import Route, collection_path, table
from craton.errors import ConfigurationError
from craton.models import INVENTORY_KINDS, Tenant

#: Who may set and change what Ansible takes for a template, which can run code where it runs.
TEMPLATE: Final = "variables:template"
#: Who gets the content of secrets, by itself or in a bundle.
READ_SECRETS: Final = "secrets:read"
#: Who says to which project a tenant belongs, where that is not the caller's own for a new one.
ASSIGN: Final = "tenants:assign"
#: Who gives a tenant another name. Names are unique among the tenants of all projects.
RENAME: Final = "tenants:rename"

_SCOPES: Final = ["system", "project"]

#: What the rules below are made of.
_ROLES: Final = (
    RuleDefault("admin", "role:admin", "Administers a project, or the service."),
    RuleDefault("member", "role:member or rule:admin", "Works on a project, or on all."),
    RuleDefault("reader", "role:reader or rule:member", "Looks at a project, or at all."),
    RuleDefault("system_reader", "rule:reader and system_scope:all", "Looks at the service."),
    RuleDefault("system_admin", "rule:admin and system_scope:all", "Administers the service."),
)

#: Who passes, by the check in the language of oslo.policy.
_PASSING: Final = {
    "@": """
        service:versions service:version_1 service:openapi service:healthcheck service:ui
    """,
    "rule:reader": """
        service:capabilities
        tenants:list tenants:get tenants:variables:list tenants:variables:get
        regions:list regions:get regions:variables:list regions:variables:get
        groups:list groups:get groups:variables:list groups:variables:get
        groups:hosts:list groups:children:list
        hosts:list hosts:get hosts:variables:list hosts:variables:get
        references:list references:get secrets:list secrets:get
        inventory:bundle changes:list runs:read playbooks:list hosts:reachability:list
    """,
    "rule:member": """
        tenants:replace tenants:update
        tenants:variables:replace tenants:variables:update
        tenants:variables:set tenants:variables:remove
        regions:create regions:replace regions:update regions:delete
        regions:variables:replace regions:variables:update
        regions:variables:set regions:variables:remove
        groups:create groups:replace groups:update groups:delete
        groups:variables:replace groups:variables:update
        groups:variables:set groups:variables:remove
        groups:hosts:set groups:hosts:remove groups:children:set groups:children:remove
        hosts:create hosts:replace hosts:update hosts:delete
        hosts:variables:replace hosts:variables:update
        hosts:variables:set hosts:variables:remove
        references:delete references:refresh
        secrets:create secrets:replace secrets:update secrets:delete secrets:read secrets:write
        inventory:import batch:apply runs:start runs:report runs:cancel
    """,
    "rule:admin": "variables:template",
    # A referenced file may hold templates.
    "rule:variables:template": "references:create references:replace references:update",
    "rule:system_reader": "service:metrics",
    "rule:system_admin": "tenants:create tenants:delete tenants:assign tenants:rename",
}
_CHECKS: Final = {name: check for check, names in _PASSING.items() for name in names.split()}

#: The rules that no route has.
_OF_CONTENT: Final = {
    TEMPLATE: "Flag variables as `templated`, and change those that are.",
    ASSIGN: "Say to which project a tenant belongs; of a new one, the own project needs no such "
    "right.",
    RENAME: "Give a tenant another name.",
}
#: What a rule governs besides its route.
_MORE: Final = {
    READ_SECRETS: "Also needed for bundles that hold secrets.",
    "batch:apply": "Each change also needs the rule of its kind, such as hosts:create.",
}

_TENANTS: Final = collection_path(Tenant)
#: How the paths begin of the routes that take variables.
_WITH_VARIABLES: Final = (
    *(f"/v1/{kind.collection}" for kind in INVENTORY_KINDS),
    "/v1/inventory",
    "/v1/batch",
)

_SERVICE: Final = {
    "/": "versions",
    "/v1": "version_1",
    "/v1/capabilities": "capabilities",
    "/v1/openapi.json": "openapi",
    "/healthcheck": "healthcheck",
    "/metrics": "metrics",
}
#: Collections whose rules have names of their own, by the method.
_NAMED: Final = {
    "inventory": {"GET": "inventory:bundle", "POST": "inventory:import"},
    "batch": {"POST": "batch:apply"},
    "changes": {"GET": "changes:list"},
    "runs": {"GET": "runs:read", "POST": "runs:start", "DELETE": "runs:cancel"},
}
_COLLECTION: Final = {"GET": "list", "POST": "create"}
_ITEM: Final = {"GET": "get", "PUT": "replace", "PATCH": "update", "DELETE": "delete"}
_PART: Final = {"GET": "list", "PUT": "replace", "PATCH": "update"}
_ITEM_OF_PART: Final = {"GET": "get", "PUT": "set", "DELETE": "remove"}
_SINGLE_PARTS: Final = {
    ("GET", "payload"): READ_SECRETS,
    ("PUT", "payload"): "secrets:write",
    ("POST", "refresh"): "references:refresh",
    ("POST", "events"): "runs:report",
}


def rule_of(route: Route) -> str | None:
    """Return the name of a route's rule, ``None`` where nothing says how it is called."""
    if route.path in _SERVICE:
        return f"service:{_SERVICE[route.path]}"
    first, *rest = route.path.strip("/").split("/")
    if first == "ui":
        return "service:ui"
    if first != "v1" or not rest:
        return None
    collection, *rest = rest
    parts = [segment for segment in rest if not segment.startswith("{")]
    if parts and (route.method, parts[0]) in _SINGLE_PARTS:
        return _SINGLE_PARTS[route.method, parts[0]]
    if collection in _NAMED:
        return _NAMED[collection].get(route.method)
    below = rest[-1:] and rest[-1].startswith("{") and rest[-1]
    if parts:
        verb = (_ITEM_OF_PART if below else _PART).get(route.method)
    else:
        verb = (_ITEM if below == "{id}" else _COLLECTION).get(route.method)
    return verb and ":".join((collection, *parts, verb))


def rules_of(routes: Iterable[Route]) -> dict[tuple[str, str], str]:
    """Return the name of the rule of each route, by method and path.

    Raises:
        ConfigurationError: A route has none.
    """
    found = {}
    for route in routes:
        rule = rule_of(route)
        if rule not in _CHECKS:
            raise ConfigurationError(
                f"no rule says who may {route.method} {route.path}; it would be {rule!r}"
            )
        found[route.method, route.path] = rule
    return found


def defaults(routes: Mapping[tuple[str, str], Route]) -> Iterator[RuleDefault]:
    """Yield the rules of a table of routes, with who passes them."""
    yield from _ROLES
    by_rule: dict[str, list[Route]] = {}
    for key, rule in rules_of(routes.values()).items():
        by_rule.setdefault(rule, []).append(routes[key])
    for rule, governed in by_rule.items():
        summaries = dict.fromkeys(route.summary for route in governed)
        yield _documented(rule, [*summaries, *filter(None, [_MORE.get(rule)])], governed)
    for rule, description in _OF_CONTENT.items():
        yield _documented(rule, [description], _writing(routes, rule))


def list_rules() -> list[RuleDefault]:
    """Return every rule, for the generator of the sample policy."""
    return list(defaults(table(Limits.of(config.settings(files=[])))))


def _documented(rule: str, sentences: list[str], governed: list[Route]) -> RuleDefault:
    return DocumentedRuleDefault(
        name=rule,
        check_str=_CHECKS[rule],
        description=" ".join(sentences),
        operations=[{"method": route.method, "path": route.path} for route in governed],
        scope_types=None if _CHECKS[rule] == "@" else _SCOPES,
    )


def _writing(routes: Mapping[tuple[str, str], Route], rule: str) -> list[Route]:
    """Return the routes whose bodies can ask for what a rule about content governs."""
    if rule == TEMPLATE:
        return [
            route
            for route in routes.values()
            if route.body is not None and route.path.startswith(_WITH_VARIABLES)
        ]
    methods = ("PUT", "PATCH") if rule == RENAME else ("POST", "PUT", "PATCH")
    return [
        route
        for (method, path), route in routes.items()
        if method in methods and path in (_TENANTS, f"{_TENANTS}/{{id}}")
    ]
