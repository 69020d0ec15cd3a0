"""Runs in a Redis that servers and conductors share."""

from craton.runs.redis.store import RedisRunStore

__all__ = ["RedisRunStore"]
