"""All clauses together."""

from __future__ import annotations

from craton.testing.suite.batch import BatchClauses
from craton.testing.suite.changes import ChangeClauses
from craton.testing.suite.concurrency import ConcurrencyClauses
from craton.testing.suite.create import CreateClauses
from craton.testing.suite.delete import DeleteClauses
from craton.testing.suite.errors import ErrorClauses
from craton.testing.suite.filters import FilterClauses
from craton.testing.suite.get import GetClauses
from craton.testing.suite.lifecycle import LifecycleClauses
from craton.testing.suite.links import LinkClauses
from craton.testing.suite.mirrors import MirrorClauses
from craton.testing.suite.model import ModelClauses
from craton.testing.suite.paging import PagingClauses
from craton.testing.suite.parts import PartClauses
from craton.testing.suite.records import RecordClauses
from craton.testing.suite.replace import ReplaceClauses
from craton.testing.suite.scan import ScanClauses
from craton.testing.suite.snapshot import SnapshotClauses
from craton.testing.suite.text import TextClauses
from craton.testing.suite.verbatim import VerbatimClauses


class DriverSuite(
    GetClauses,
    CreateClauses,
    ReplaceClauses,
    DeleteClauses,
    FilterClauses,
    PagingClauses,
    ScanClauses,
    LinkClauses,
    ConcurrencyClauses,
    BatchClauses,
    VerbatimClauses,
    SnapshotClauses,
    PartClauses,
    RecordClauses,
    ChangeClauses,
    MirrorClauses,
    ErrorClauses,
    TextClauses,
    LifecycleClauses,
    ModelClauses,
):
    """The whole contract. Derive a test class from it, and bring a fixture ``harness``."""
