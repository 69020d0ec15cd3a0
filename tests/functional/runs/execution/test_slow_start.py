"""A machine that is busy: what carries out a batch starts later than its first deadline."""

from __future__ import annotations

from tests.functional.runs.execution.playing import Held, Stage, Told


class ShortAtFirst(Held):
    """A lease that is renewed when it was about to end, as one is that was taken long before."""

    def __init__(self) -> None:
        super().__init__(60)
        self._asked = False

    def remaining(self) -> float:
        asked, self._asked = self._asked, True
        # Python alone takes longer to start.
        return self.seconds if asked else 0.05


def test_a_deadline_that_was_moved_before_the_start_counts(stage: Stage) -> None:
    stage.host("web-1")
    stage.write(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.raw: 'true'\n"
    )
    told = Told()
    outcome = stage.runner().run(stage.batch(), ShortAtFirst(), told)
    assert not outcome.interrupted
    assert told.counts() == {"changed": 1}
