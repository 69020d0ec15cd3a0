"""Who asks is known inside of the block, and nobody is left behind in a thread."""

from __future__ import annotations

import contextvars
from concurrent.futures import ThreadPoolExecutor

import pytest

from craton.caller import ANYBODY, Caller, acting_as, current, request_id

EVE = Caller(user_id="eve", project_id="p1", roles=frozenset({"reader"}))


def test_without_a_word_it_is_anybody_who_may_do_everything() -> None:
    assert current() is ANYBODY
    assert ANYBODY.is_system
    assert request_id() == ""


def test_a_block_works_for_its_caller_and_no_longer() -> None:
    with acting_as(EVE, "req-1"):
        with acting_as(ANYBODY, "req-2"):
            assert (current(), request_id()) == (ANYBODY, "req-2")
        assert (current(), request_id()) == (EVE, "req-1")
    assert (current(), request_id()) == (ANYBODY, "")


def test_a_block_that_fails_leaves_nobody_behind() -> None:
    with pytest.raises(KeyError), acting_as(EVE, "req-1"):
        raise KeyError
    assert (current(), request_id()) == (ANYBODY, "")


def test_another_thread_knows_the_caller_by_a_copy_of_the_context_only() -> None:
    with ThreadPoolExecutor(1) as pool, acting_as(EVE, "req-1"):
        assert pool.submit(current).result() is ANYBODY
        assert pool.submit(contextvars.copy_context().run, current).result() is EVE
        assert pool.submit(current).result() is ANYBODY
