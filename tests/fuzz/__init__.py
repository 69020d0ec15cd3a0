"""Requests that nobody would write, by the ten thousand: ``python -m tests.fuzz``."""
