"""The tree of paths, put together: every resource at its place."""

from __future__ import annotations

from craton.api.controllers.batch import BatchOf
from craton.api.controllers.changes import ChangesOf
from craton.api.controllers.entities import Collection, Item
from craton.api.controllers.inventory import inventory
from craton.api.controllers.members import members
from craton.api.controllers.references import references
from craton.api.controllers.resource import Below, Resource, Service
from craton.api.controllers.runs import PlaybooksOf, ReachabilityOf, runs
from craton.api.controllers.secrets import secrets
from craton.api.controllers.service import CapabilitiesOf, Health, MetricsOf, OpenApi, Versions
from craton.api.controllers.variables import AllVariables, OneVariable
from craton.api.controllers.web import web
from craton.api.metrics import Metrics
from craton.api.run_routes import REACHABILITY
from craton.models import INVENTORY_KINDS, Entity, Group, Host, parent_field


def tree(service: Service, metrics: Metrics, openapi: dict[str, object]) -> Resource:
    """Return the resource at ``/``, with everything below it."""
    version_1 = Versions(
        {
            "capabilities": CapabilitiesOf(service),
            "openapi.json": OpenApi(openapi),
            **{kind.collection: _collection(service, kind) for kind in INVENTORY_KINDS},
            "references": Resource(below=references(service)),
            "secrets": Resource(below=secrets(service)),
            "inventory": Resource(below=inventory(service)),
            "batch": Resource(below=(Below(name="region_id", resource=BatchOf(service)),)),
            "runs": Resource(below=runs(service)),
            "playbooks": PlaybooksOf(service),
            "changes": Resource(below=(Below(name="region_id", resource=ChangesOf(service)),)),
        }
    )
    return Versions(
        {
            "v1": version_1,
            "healthcheck": Health(service),
            "metrics": MetricsOf(metrics, service),
            "ui": web(),
        }
    )


def _collection(service: Service, kind: type[Entity]) -> Resource:
    variable = OneVariable(service, kind)
    parts: dict[str, Resource] = {
        "variables": AllVariables(service, kind, below=(Below(name="name", resource=variable),))
    }
    if kind is Group:
        parts |= members(service)
    if kind is Host:
        parts[REACHABILITY] = ReachabilityOf(service)
    collection = Collection(
        service, kind, below=(Below(name="id", resource=Item(service, kind, parts)),)
    )
    parent = parent_field(kind)
    if parent is None:
        return collection
    return Resource(below=(Below(name=parent, resource=collection),))
