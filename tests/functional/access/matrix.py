"""Every route, method, caller, world and place in the path where an id stands.

Each function yields what is wrong, in words, so that a test can see that something is found when a
rule is taken away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

from webob import Response

from craton.caller import Caller
from tests.functional.access import documented
from tests.functional.access.worlds import (
    CALLERS,
    CANARIES,
    FAR,
    NIL,
    OWN,
    PROJECTS,
    World,
    comparable,
    names_in,
    placed,
)
from tests.functional.every_route import EXAMPLES, NEEDS_A_SERVER, RUN_EXAMPLES, Example

#: The route whose example asks a server, with the request that this one refuses to send.
_REFRESH = Example(*NEEDS_A_SERVER, path="/v1/references/r2/here/refresh")

ALL_EXAMPLES = (*EXAMPLES, *RUN_EXAMPLES, _REFRESH)


def of_rule(rule: str) -> list[Example]:
    """Return the examples of the routes that a rule governs."""
    lines = documented.routes()
    return [example for example in ALL_EXAMPLES if lines[example[:2]].rule == rule]


def rights(world: World, examples: Iterable[Example]) -> Iterator[str]:
    """Yield who may do more or less than documented in what they see."""
    lines = documented.routes()
    for example, (name, caller) in product(examples, CALLERS.items()):
        line = lines[example[:2]]
        for prefix, project in PROJECTS.items():
            if caller is not None and names_in(example.route) and not sees(caller, project):
                continue
            answer = world.ask(caller, placed(example, prefix))
            expected = _expected(caller, line)
            if _outcome(answer, line.rule) != expected:
                yield f"{name}: {placed(example, prefix)}: {answer.status}, not {expected}"
            for other, canary in CANARIES.items():
                if not sees(caller, PROJECTS[other]) and canary.encode() in answer.body:
                    yield f"{name}: {placed(example, prefix)} shows {canary}"


def sight(
    world: World, examples: Iterable[Example], names: Iterable[str] = tuple(CALLERS)
) -> Iterator[str]:
    """Yield what tells an id that one of some callers does not see from one that nothing has."""
    lines = documented.routes()
    for example, name in product(examples, names):
        caller = CALLERS[name]
        segments = names_in(example.route)
        if caller is None or caller.is_system or not segments:
            continue
        own = next((p for p, project in PROJECTS.items() if project == caller.project_id), OWN)
        far = FAR if own == OWN else OWN
        may = documented.passes(caller, lines[example[:2]].needed)
        for chosen in product((own, far), repeat=len(segments)):
            if far not in chosen:
                continue
            there = placed(example, dict(zip(segments, chosen, strict=True)))
            nowhere = placed(
                example,
                {
                    segment: NIL if prefix == far else own
                    for segment, prefix in zip(segments, chosen, strict=True)
                },
            )
            answer = world.ask(caller, there)
            if comparable(answer, far) != comparable(world.ask(caller, nowhere), far):
                yield f"{name}: {there} is not answered as {nowhere}: {answer.status}"
            if answer.status_int != (404 if may else 403):
                yield f"{name}: {there}: {answer.status}"
            if CANARIES[far].encode() in answer.body:
                yield f"{name}: {there} shows {CANARIES[far]}"


def sees(caller: Caller | None, project: str) -> bool:
    return caller is not None and (caller.is_system or caller.project_id == project)


def _expected(caller: Caller | None, line: documented.Line) -> str:
    if documented.passes(caller, line.needed):
        return "done"
    return "401" if caller is None else f"403 {line.rule}"


def _outcome(answer: Response, rule: str) -> str:
    if answer.status_int == 403:
        return f"403 {answer.json.get('rule')}"
    if answer.status_int < 400 or (answer.status_int == 502 and rule == "references:refresh"):
        return "done"
    return str(answer.status_int)
