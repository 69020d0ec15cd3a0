"""The faults, by the part of the contract that they break; importing this declares them all."""

from tests.mutants.faults import (
    batches,
    claims,
    creating,
    deleting,
    equating,
    failing,
    linking,
    living,
    matching,
    ordering,
    paging,
    replacing,
    scanning,
    snapshots,
    texts,
    together,
)

__all__ = [
    "batches",
    "claims",
    "creating",
    "deleting",
    "equating",
    "failing",
    "linking",
    "living",
    "matching",
    "ordering",
    "paging",
    "replacing",
    "scanning",
    "snapshots",
    "texts",
    "together",
]
