"""Drivers with one planted fault each: the conformance kit must give every one of them away.

``python -m tests.mutants`` runs the kit against them and prints which clause kills which mutant.
"""
