"""The WSGI application: Pecan with its hooks, behind the middleware that gives requests an id."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oslo_config import cfg
from oslo_middleware import RequestId
from pecan.core import ExplicitPecan

from craton import caller, deadline
from craton.api.controllers.resource import Root, Service
from craton.api.controllers.tree import tree
from craton.api.freshness import Freshness
from craton.api.journal import Journal
from craton.api.limits import Limits
from craton.api.metrics import Metrics
from craton.api.openapi import openapi
from craton.api.problems import ProblemHook, problem
from craton.api.protection import Protection
from craton.api.rates import Rates
from craton.api.request import CALLER, Request
from craton.api.routes import table
from craton.api.slots import Slots
from craton.driver import InventoryDriver
from craton.errors import ConfigurationError
from craton.references import References
from craton.secrets import load_secret_store

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOG = logging.getLogger(__name__)


class Application(ExplicitPecan):
    """Pecan, less what it does for controllers that are not these.

    It would ask for the signature of two methods on each request, which takes as long as all the
    rest; look for a template for an answer that is one already; read every answer to see whether it
    is empty, so that a whole bundle would be held in memory and its ``close`` be lost; and let an
    error of a hook pass.

    Args:
        root: Finds what answers.
        limits: How long it may take.
        options: What Pecan wants to know.
    """

    def __init__(self, root: Root, limits: Limits, **options: Any) -> None:
        super().__init__(root, **options)
        self._limits = limits

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer, whatever happens."""
        try:
            answer: Iterable[bytes] = super().__call__(environ, start_response)
        except Exception as error:
            return problem(Request(environ), error)(environ, start_response)
        return answer

    def route(self, req: Request, node: Root, path: str) -> tuple[Any, list[str]]:
        """Find what answers, and what is left of the path, which is nothing."""
        req.environ[CALLER] = caller.current().user_id
        return node.find(path, req), []

    def invoke_controller(
        self, controller: Any, args: list[Any], kwargs: dict[str, Any], state: Any
    ) -> None:
        """Let it answer, within the time that its route has."""
        with deadline.within(self._limits.seconds(state.request.route)):
            state.response = controller(*args)

    def _handle_empty_response_body(self, state: Any) -> None:
        return


def make_service(driver: InventoryDriver, conf: cfg.ConfigOpts) -> Service:
    """Put together what controllers work with.

    Raises:
        ConfigurationError: The secret store, or what fetches references, cannot be set up.
    """
    state_path = Path(conf.state_path)
    secrets = load_secret_store(conf)
    try:
        secrets.start()
    except ConfigurationError as error:
        # Most of the service does without. Whoever uses a secret is told, too.
        LOG.warning("Secrets cannot be used: %s", error)
    limits = Limits.of(conf)
    return Service(
        driver=driver,
        name=conf.inventory.driver,
        limits=limits,
        references=References(conf),
        secrets=secrets,
        bundles=Slots("bundles", limits.max_concurrent_bundles),
        spools=state_path if state_path.is_dir() else None,
    )


def make_app(driver: InventoryDriver, conf: cfg.ConfigOpts) -> WSGIApplication:
    """Make the API.

    Args:
        driver: The inventory, open; closing it is the caller's affair.
        conf: The service's configuration.
    """
    metrics = Metrics()
    service = make_service(driver, conf)
    routes = table(service.limits)
    pecan = Application(
        Root(tree(service, metrics, openapi(routes.values())), routes),
        service.limits,
        hooks=[metrics, ProblemHook(), Rates(conf), Freshness(driver)],
        request_cls=Request,
        use_context_locals=False,
        guess_content_type_from_ext=False,
    )
    return RequestId(Journal(Protection(pecan)))
