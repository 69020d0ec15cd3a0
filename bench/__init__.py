"""Craton's speed and memory against floors measured in the same run; see docs/performance.rst."""
