"""The WSGI application: Pecan with its hooks, behind the middleware that gives requests an id."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oslo_config import cfg
from oslo_middleware import RequestId
from pecan.core import ExplicitPecan

from craton.api.controllers.resource import Root, Service
from craton.api.controllers.tree import tree
from craton.api.limits import Limits
from craton.api.metrics import Metrics
from craton.api.openapi import openapi
from craton.api.problems import ProblemHook, problem
from craton.api.request import Request
from craton.api.routes import table
from craton.driver import InventoryDriver

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Application(ExplicitPecan):
    """Pecan with two of its ways changed.

    It would read every answer to see whether it is empty: a whole bundle would be held in memory,
    and the ``close`` of what streams it would be lost. And it would let an error of a hook pass.
    """

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer, whatever happens."""
        try:
            answer: Iterable[bytes] = super().__call__(environ, start_response)
        except Exception as error:
            return problem(Request(environ), error)(environ, start_response)
        return answer

    def _handle_empty_response_body(self, state: Any) -> None:
        return


def make_app(driver: InventoryDriver, conf: cfg.ConfigOpts) -> WSGIApplication:
    """Make the API.

    Args:
        driver: The inventory, open; closing it is the caller's affair.
        conf: The service's configuration.
    """
    limits = Limits.of(conf)
    routes = table(limits)
    metrics = Metrics()
    state_path = Path(conf.state_path)
    service = Service(
        driver=driver,
        name=conf.inventory.driver,
        limits=limits,
        spools=state_path if state_path.is_dir() else None,
    )
    pecan = Application(
        Root(tree(service, metrics, openapi(routes.values())), routes),
        hooks=[metrics, ProblemHook()],
        request_cls=Request,
        use_context_locals=False,
        guess_content_type_from_ext=False,
    )
    return RequestId(pecan)
