"""Moves a whole inventory from one store to another, by nothing but the contract.

Every kind of :data:`craton.models.KINDS` is moved as its description says: parents first, and what
links name before the links. Entities arrive as they are (``verbatim``), in chunks, each as one
step; so a move that ended anywhere can be taken up again, and nothing is to be remembered but the
two stores.
"""

from craton.transfer.checks import check_different, check_target
from craton.transfer.comparing import Comparison, Difference, compare
from craton.transfer.copying import Copied, Copy
from craton.transfer.errors import TransferError
from craton.transfer.observing import Observer
from craton.transfer.places import OUTSIDE, Place

__all__ = [
    "OUTSIDE",
    "Comparison",
    "Copied",
    "Copy",
    "Difference",
    "Observer",
    "Place",
    "TransferError",
    "check_different",
    "check_target",
    "compare",
]
