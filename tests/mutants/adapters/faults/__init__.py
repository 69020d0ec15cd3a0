"""The faults of adapters; importing this declares them all."""

from tests.mutants.adapters.faults import answering, entities, living, streaming, tokens

__all__ = ["answering", "entities", "living", "streaming", "tokens"]
