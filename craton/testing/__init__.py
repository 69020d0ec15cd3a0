"""The conformance kit: what holds an inventory driver to the contract, clause by clause.

Three doors lead in. In a driver's own tests::

    class TestMyDriver(DriverSuite):
        @pytest.fixture
        def harness(self, tmp_path):
            return MyHarness(tmp_path)

With pytest on a configured store: ``pytest --craton-driver NAME --craton-config FILE``. As a
command, with a report: ``craton-conformance --driver NAME --config-file FILE --report DIR``.
"""

from __future__ import annotations

try:
    import hypothesis  # noqa: F401
    import pytest
except ModuleNotFoundError as _error:
    raise ImportError(
        f"the conformance kit needs {_error.name}; run: pip install 'craton[testing]'"
    ) from _error

# So that a failing test shows the values that it compared.
pytest.register_assert_rewrite("craton.testing.suite")

from craton.testing.clauses import CLAUSES, UnknownClause  # noqa: E402
from craton.testing.harness import Harness, HarnessError  # noqa: E402
from craton.testing.promises import Verdict, clause  # noqa: E402
from craton.testing.suite.driver import DriverSuite  # noqa: E402

__all__ = [
    "CLAUSES",
    "DriverSuite",
    "Harness",
    "HarnessError",
    "UnknownClause",
    "Verdict",
    "clause",
]
