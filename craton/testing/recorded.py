"""What a test says about itself in pytest's reports."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from craton.testing.promises import Verdict, clauses_of, promise_of
from craton.testing.results import CLAUSE, REASON, SUITE, TESTS, VERDICT, WAIVER


class Recorded:
    """Base of the classes whose tests are about a clause."""

    properties: list[tuple[str, object]]

    def begin(self, request: pytest.FixtureRequest, waivers: Mapping[str, str]) -> None:
        """Note which clause the test is about, before it runs."""
        self.properties = request.node.user_properties
        promise = promise_of(request.function)
        if promise is not None:
            self.properties.append((CLAUSE, promise.clause))
            self.properties.append((SUITE, request.node.parent.nodeid))
            self.properties.append((TESTS, len(clauses_of(type(self))[promise.clause])))
            if promise.clause in waivers:
                self.properties.append((WAIVER, waivers[promise.clause]))

    def record(self, verdict: Verdict, reason: str = "") -> None:
        """Note how the test ended; a later verdict takes the place of an earlier one."""
        kept = [item for item in self.properties if item[0] not in (VERDICT, REASON)]
        self.properties[:] = [*kept, (VERDICT, verdict.value)]
        if reason:
            self.properties.append((REASON, reason))
