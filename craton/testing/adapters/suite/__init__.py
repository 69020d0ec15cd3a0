"""The tests of the clauses for adapters."""
