"""The WSGI application: Pecan with its hooks, behind the middleware that gives requests an id."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oslo_config import cfg
from oslo_middleware import RequestId
from pecan.core import ExplicitPecan

from craton import deadline
from craton.api.auth import rules
from craton.api.auth.access import Access
from craton.api.auth.context import OwnContext
from craton.api.auth.gate import Gate
from craton.api.auth.headers import WithoutIdentity
from craton.api.auth.identity import anybody, identity
from craton.api.auth.policy import Policy
from craton.api.auth.tenancy import Tenancy
from craton.api.controllers.resource import Root, Service
from craton.api.controllers.tree import tree
from craton.api.freshness import Freshness
from craton.api.handover import Handover
from craton.api.journal import Journal
from craton.api.limits import Limits
from craton.api.metrics import Metrics
from craton.api.openapi import openapi
from craton.api.problems import ProblemHook, problem
from craton.api.protection import Protection
from craton.api.rates import Rates
from craton.api.request import Request
from craton.api.routes import table
from craton.api.runs import Runs, in_memory
from craton.api.slots import Slots
from craton.backends.wrappers import with_change_log
from craton.driver import InventoryDriver
from craton.errors import ConfigurationError
from craton.references import References
from craton.secrets import load_secret_store

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from craton.api.auth.identity import Identify

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
        return node.find(path, req), []

    def invoke_controller(
        self, controller: Any, args: list[Any], kwargs: dict[str, Any], state: Any
    ) -> None:
        """Let it answer, within the time that its route has."""
        with deadline.within(self._limits.seconds(state.request.route)):
            state.response = controller(*args)

    def _handle_empty_response_body(self, state: Any) -> None:
        return


def make_service(
    driver: InventoryDriver,
    conf: cfg.ConfigOpts,
    access: Access | None = None,
    runs: Runs | None = None,
) -> Service:
    """Put together what controllers work with; by default everybody may do everything.

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
        access=access or Access(),
        spools=state_path if state_path.is_dir() else None,
        offered_runs=runs,
    )


def make_app(
    driver: InventoryDriver,
    conf: cfg.ConfigOpts,
    identify: Identify | None = None,
    runs: Runs | None = None,
) -> WSGIApplication:
    """Make the API.

    Args:
        driver: The inventory, open; closing it is the caller's affair.
        conf: The service's configuration.
        identify: Tells who sends a request; by default as ``[api] auth_strategy`` says.
        runs: Runs, open; closing them is the caller's affair. By default they are kept in memory if
            there is one process, and nobody carries any out.

    Raises:
        ConfigurationError: Callers, their rights or secrets cannot be checked as it is configured.
    """
    driver = with_change_log(driver, conf)
    metrics = Metrics()
    routes = table(Limits.of(conf))
    identify = identify or identity(conf)
    access = Access() if identify is anybody else Access(Policy(conf, rules.defaults(routes)))
    runs = runs or in_memory(conf)
    if runs is not None:
        runs.watchers.count = metrics.watched
    service = make_service(driver, conf, access, runs)
    document = openapi(
        routes.values(),
        auth_strategy=conf.api.auth_strategy,
        require_if_match=conf.api.require_if_match,
    )
    gate = Gate(identify, access, routes)
    pecan = Application(
        Root(tree(service, metrics, document), routes, gate),
        service.limits,
        hooks=[metrics, ProblemHook(), Rates(conf), Freshness(driver), Tenancy(driver, routes)],
        request_cls=Request,
        use_context_locals=False,
        guess_content_type_from_ext=False,
    )
    application = OwnContext(WithoutIdentity(RequestId(Journal(Protection(pecan)))))
    return application if runs is None else Handover(application, runs.watchers)
