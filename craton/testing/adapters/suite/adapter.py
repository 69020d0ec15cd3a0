"""All clauses for adapters together."""

from __future__ import annotations

from craton.testing.adapters.suite.entities import EntityClauses
from craton.testing.adapters.suite.living import LivingClauses
from craton.testing.adapters.suite.saying import SayingClauses
from craton.testing.adapters.suite.secrecy import SecrecyClauses
from craton.testing.adapters.suite.streams import StreamClauses
from craton.testing.adapters.suite.tokens import TokenClauses
from craton.testing.adapters.suite.troubles import TroubleClauses
from craton.testing.adapters.suite.writing import WritingClauses


class AdapterSuite(
    EntityClauses,
    TokenClauses,
    StreamClauses,
    TroubleClauses,
    SayingClauses,
    SecrecyClauses,
    LivingClauses,
    WritingClauses,
):
    """All of ADAPTER. Derive a test class from it, and bring a fixture ``harness``."""
