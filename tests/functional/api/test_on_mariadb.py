"""The HTTP contract on MariaDB, what depends most on the store; ``make galera`` runs all of it."""

from __future__ import annotations

import pytest

from tests.functional.api.test_batch import *  # noqa: F403
from tests.functional.api.test_conditions import *  # noqa: F403
from tests.functional.api.test_idempotency import *  # noqa: F403
from tests.functional.api.test_members import *  # noqa: F403

pytestmark = pytest.mark.service


@pytest.fixture
def backend() -> str:
    """The one backend of this module."""
    return "mariadb"
