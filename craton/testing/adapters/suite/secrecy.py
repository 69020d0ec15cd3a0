"""What nobody may see."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from craton.cmdb import CmdbAdapter, End
from craton.errors import CratonError
from craton.testing.adapters.harness import AdapterHarness, NotExercised, Trouble
from craton.testing.adapters.promises import clause
from craton.testing.adapters.suite.base import Cmdb, Suite
from craton.testing.adapters.suite.troubles import within


class SecrecyClauses(Suite):
    """ADAPTER-13."""

    @clause("ADAPTER-13")
    def test_adapter_13_no_secret_is_in_a_log_or_a_token(
        self,
        harness: AdapterHarness,
        adapter: CmdbAdapter,
        cmdb: Cmdb,
    ) -> None:
        secrets = _secrets(harness)
        cmdb.fill(3)
        with _heard() as log:
            items = list(adapter.changes(None))
        said = [*log, repr(adapter), *(repr(item) for item in items)]
        assert isinstance(items[-1], End)
        _check(secrets, *said)

    @clause("ADAPTER-13")
    @pytest.mark.parametrize("trouble", Trouble, ids=lambda trouble: trouble.value)
    def test_adapter_13_no_secret_is_in_an_error(
        self,
        harness: AdapterHarness,
        adapter: CmdbAdapter,
        cmdb: Cmdb,
        trouble: Trouble,
    ) -> None:
        secrets = _secrets(harness)
        cmdb.fill(3)
        with _heard() as log, harness.trouble(trouble):
            outcome = within(harness.patience, lambda: list(adapter.changes(None)))
        assert isinstance(outcome, CratonError), outcome
        # As a log shows it: with all of its causes.
        shown = "".join(traceback.format_exception(outcome))
        _check(secrets, *log, shown, repr(outcome.fields), repr(outcome))


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Collect what is logged in the block, whatever the level."""
    log: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            log.append(self.format(record))

    listener, root = Listener(), logging.getLogger()
    level = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    try:
        yield log
    finally:
        root.setLevel(level)
        root.removeHandler(listener)


def _secrets(harness: AdapterHarness) -> list[str]:
    secrets = [secret for secret in harness.secrets() if secret]
    if not secrets:
        raise NotExercised("the adapter's settings have no secret")
    return secrets


def _check(secrets: list[str], *texts: str) -> None:
    for secret in secrets:
        for text in texts:
            assert secret not in text, "a secret can be read"
