"""Requests that schemathesis makes of the OpenAPI document, and answers held to that document."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core.transport import Response
from schemathesis.specs.openapi import checks

from tests.fuzz.exchange import Answer, Fault, Request, fault
from tests.fuzz.stage import IDS, Stage

#: Every check but one: ``positive_data_acceptance``. A schema cannot tell all rules of a name, nor
#: whether a link leads to something, so what it lets through may still be refused.
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.missing_required_header,
    checks.unsupported_method,
    checks.allow_header_conformance,
    checks.use_after_free,
    checks.ensure_resource_availability,
]

#: How a request that the description forbids may end; conditions may be looked at before the rest.
REFUSALS = ["400", "404", "405", "406", "408", "409", "412", "413", "415", "422", "428", "501"]

_SETTINGS: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}

Operation = Any


def document(stage: Stage) -> dict[str, Any]:
    """Return the document that the service gives."""
    found: dict[str, Any] = json.loads(stage.ask(Request("GET", "/v1/openapi.json")).body)
    return found


def with_ids(described: dict[str, Any]) -> dict[str, Any]:
    """Return a document whose ids in paths are those of the fleet, so that not all ends in 404."""
    changed = copy.deepcopy(described)
    for path, methods in changed["paths"].items():
        for operation in methods.values():
            for parameter in operation["parameters"]:
                if parameter.get("in") == "path":
                    parameter["schema"] = {
                        "type": "string",
                        "enum": list(ids(path, parameter["name"])),
                    }
    return changed


def ids(path: str, name: str) -> tuple[str, ...]:
    """Return what a variable part of a path may be."""
    if name == "name":
        return ("colour", "new", "list")
    if name == "owner_id":
        return ("r2", "web", "nothing")
    collection = path.split("/")[2] if name == "id" else f"{name.removesuffix('_id')}s"
    return IDS.get(collection, ("nothing",))


def operations(stage: Stage) -> Iterator[Operation]:
    """Yield every operation of the document."""
    for result in _loaded(stage, with_ids(document(stage))).get_all_operations():
        yield result.ok()


def run(
    stage: Stage, operation: Operation, count: int, number: int, longest: float | None = None
) -> None:
    """Send so many requests to an operation, half of them such as its description forbids.

    Args:
        stage: Whom to send them to.
        operation: The operation.
        count: How many.
        number: The seed.
        longest: How long each may take, in seconds; ``None`` for as long as it likes.

    Raises:
        Exception: An answer is not as described, or not what all answers are.
    """
    strategies = [operation.as_strategy(generation_mode=GenerationMode.POSITIVE)]
    if operation.path_parameters or operation.query or operation.body or operation.headers:
        strategies.append(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))

    @settings(max_examples=count, phases=(Phase.generate, Phase.shrink), **_SETTINGS)
    @seed(number)
    @given(st.one_of(strategies))
    def ask(case: Case[Any]) -> None:
        _judge(stage, case, case.call(), longest)

    ask()


def walk(stage: Stage, walks: int, steps: int, number: int) -> None:
    """Go along the links of the document: make things, and use what was made.

    Args:
        stage: Whom to send requests to.
        walks: How often to begin anew.
        steps: How many requests each walk has.
        number: The seed.

    Raises:
        Exception: An answer is not as described, or not what all answers are.
    """
    machine: Any = _loaded(stage, document(stage)).as_state_machine()

    class Walk(machine):  # type: ignore[misc]
        def setup(self) -> None:
            # The same steps must have the same answers, or the walk cannot be gone again.
            stage.restore()
            super().setup()

        def validate_response(self, response: Response, case: Case[Any], **options: Any) -> None:
            _judge(stage, case, response, None)

    seed(number)(Walk).run(
        settings=settings(
            max_examples=walks, stateful_step_count=steps, phases=(Phase.generate,), **_SETTINGS
        )
    )
    stage.restore()


def _judge(stage: Stage, case: Case[Any], response: Response, longest: float | None) -> None:
    headers = {name.lower(): values[0] for name, values in response.headers.items()}
    answer = Answer(response.status_code, headers, response.content, response.elapsed)
    wrong = fault(case.method, answer, longest)
    if wrong:
        raise Fault(f"{wrong}\n{case.as_curl_command()}")
    case.validate_response(response, checks=CHECKS)
    stage.note(case.method, answer)


def _read_whole(application: Any) -> Any:
    """Read and close bodies, as servers do; the client of schemathesis leaves them open."""

    def read(environ: Any, start_response: Any) -> list[bytes]:
        body = application(environ, start_response)
        try:
            return [b"".join(body)]
        finally:
            body.close()

    return read


def _loaded(stage: Stage, described: dict[str, Any]) -> Any:
    schema = schemathesis.openapi.from_dict(described)
    schema.app = _read_whole(stage.application)
    schema.config.output.sanitization.update(enabled=False)
    schema.config.checks.negative_data_rejection.expected_statuses = REFUSALS
    return schema
