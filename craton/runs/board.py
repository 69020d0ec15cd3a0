"""The board on which runs wait for conductors: TaskFlow's jobboard on Redis, with leases.

As TaskFlow has it, a claim lasts for ever, and renewing one does not ask whose it is. Here a claim
expires unless its owner renews it, and only the owner can; the entry of a run has an id that the
run determines, so that posting it again does nothing. An entry holds the run's id and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID, uuid5

import redis
from oslo_utils import timeutils
from taskflow import exceptions
from taskflow.jobs import base
from taskflow.jobs.backends.impl_redis import RedisJob, RedisJobBoard
from taskflow.utils.redis_utils import RedisClient

from craton.errors import ConfigurationError, Unavailable

_JOBS: Final = UUID("b1f0d9a4-30a6-5a7e-8a5f-5b5a0a3b2c61")
_NAMESPACE: Final = "craton:jobs"
_RUN_ID: Final = "run_id"

#: Seconds for an answer of Redis, and for a connection to it.
_PATIENCE: Final = 2.0

#: Seconds for which the lock of :meth:`Board.lock` is held at most, and waited for.
_LOCKED: Final = 60.0

_RENEW: Final = """
local result = {}
if redis.call("get", KEYS[1]) == ARGV[1] then
    redis.call("pexpire", KEYS[1], ARGV[2])
    result["status"] = "${ok}"
else
    result["status"] = "${error}"
    result["reason"] = "${not_expected_owner}"
end
return cmsgpack.pack(result)
"""


class Board:
    """The entries of runs, and who has which.

    Args:
        url: ``[runs] redis_url``.
        lease_seconds: How long a claim lasts that is not renewed.
    """

    def __init__(self, url: str, lease_seconds: float) -> None:
        self.lease_seconds = lease_seconds
        try:
            self._client: Any = RedisClient.from_url(
                url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE
            )
        except ValueError:
            # Its text may hold the password.
            raise ConfigurationError(
                "[runs] redis_url is no URL of a Redis, such as redis://127.0.0.1:6379/0"
            ) from None
        self._board = _LeasedBoard("craton", {"namespace": _NAMESPACE}, client=self._client)

    def close(self) -> None:
        """Let go of all connections."""
        self._board.close()
        self._client.close()

    def post(self, run_id: str) -> bool:
        """Put a run on the board; return whether it was not there already.

        Raises:
            Unavailable: The board is away.
        """
        with self._connected() as board:
            return board.post_once(str(uuid5(_JOBS, run_id)), run_id)

    def unclaimed(self) -> list[RedisJob]:
        """Return the entries that nobody has, the oldest first.

        Raises:
            Unavailable: The board is away.
        """
        with self._connected() as board:
            return board.unclaimed()

    def claim(self, job: RedisJob, owner: str) -> bool:
        """Take an entry for ``lease_seconds``; return whether nobody else was faster.

        Raises:
            Unavailable: The board is away; the entry may be taken or not.
        """
        with self._connected() as board:
            try:
                board.claim(job, owner, expiry=self.lease_seconds)
            except (exceptions.UnclaimableJob, exceptions.NotFound):
                return False
            return True

    def renew(self, job: RedisJob, owner: str) -> bool:
        """Let a claim last ``lease_seconds`` from now; return whether it was still the owner's.

        Raises:
            Unavailable: The board is away; the claim may be renewed or not.
        """
        with self._connected() as board:
            return board.renew(job, owner, self.lease_seconds)

    def consume(self, job: RedisJob, owner: str) -> bool:
        """Take an entry off the board; return whether it was the owner's.

        Raises:
            Unavailable: The board is away.
        """
        return self._let_go(RedisJobBoard.consume, job, owner)

    def abandon(self, job: RedisJob, owner: str) -> bool:
        """Give an entry back, for others to take; return whether it was the owner's.

        Raises:
            Unavailable: The board is away.
        """
        return self._let_go(RedisJobBoard.abandon, job, owner)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold a lock that all who share the board share.

        Raises:
            Unavailable: The board is away, or the lock is not to be had.
        """
        with (
            self._connected(),
            self._client.lock(
                f"{_NAMESPACE}:lock:{name}", timeout=_LOCKED, blocking_timeout=_LOCKED
            ),
        ):
            yield

    def _let_go(self, method: Any, job: RedisJob, owner: str) -> bool:
        with self._connected() as board:
            try:
                method(board, job, owner)
            except exceptions.NotFound:
                return False
            except exceptions.JobFailure as error:
                if isinstance(error.__cause__, redis.RedisError):
                    raise
                return False
            return True

    @contextmanager
    def _connected(self) -> Iterator[_LeasedBoard]:
        try:
            if not self._board.connected:
                self._board.connect()
            yield self._board
        except (exceptions.JobFailure, redis.RedisError) as error:
            raise Unavailable("the Redis of [runs] redis_url is away", retry_after=2) from error
        except exceptions.IncompatibleVersion as error:
            raise ConfigurationError(f"[runs] redis_url: {error}") from error


class _LeasedBoard(RedisJobBoard):  # type: ignore[misc]
    SCRIPT_TEMPLATES: Final = {**RedisJobBoard.SCRIPT_TEMPLATES, "renew": _RENEW}

    def post_once(self, uuid: str, run_id: str) -> bool:
        details = {_RUN_ID: run_id}
        posting = base.format_posting(
            uuid,
            run_id,
            created_on=timeutils.utcnow(),
            details=details,
            priority=base.JobPriority.NORMAL,
        )
        key = uuid.encode("ascii")
        if self._client.hexists(self.listings_key, key):
            return False
        posting["sequence"] = self._client.incr(self.sequence_key)
        return bool(self._client.hsetnx(self.listings_key, key, self._dumps(posting)))

    def unclaimed(self) -> list[RedisJob]:
        jobs = sorted(self._fetch_jobs(), key=lambda job: job.sequence)
        if not jobs:
            return []
        owners = self._client.mget([job.owner_key for job in jobs])
        return [job for job, owner in zip(jobs, owners, strict=True) if owner is None]

    def renew(self, job: RedisJob, owner: str, expiry: float) -> bool:
        answer = self._get_script("renew")(
            keys=[job.owner_key], args=[self._encode_owner(owner), int(expiry * 1000)]
        )
        return bool(self._loads(answer)["status"] == self.SCRIPT_STATUS_OK)


def run_id_of(job: RedisJob) -> str:
    """Return the id of the run that an entry is for."""
    return str(job.details[_RUN_ID])
