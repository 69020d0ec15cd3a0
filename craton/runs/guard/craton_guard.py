"""The silent half of ansible-runner's own callback plugin: ends what outlived the lease.

ansible-runner puts its plugin on top of the one that prints for people. This one prints nothing but
a mark behind a failure that the playbook cannot mend, and before each task of each host it
looks whether the lease is still good. It runs in the process that hands out all tasks: a machine
that was suspended, with everything on it, goes on here first.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

from craton.ansible.callback_plugins.craton import may_be_rescued
from craton.runs.deadlines import VARIABLE, Deadline
from craton.runs.marks import FINAL
from craton.runs.processes import die_with_parent

DOCUMENTATION = """
    name: craton_guard
    type: stdout
    short_description: Prints nothing and touches no host once the lease is gone
    description:
        - Craton's own runs use it; it is of no use elsewhere.
    extends_documentation_fragment:
        - default_callback
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Guards one ``ansible-playbook``."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "craton_guard"

    def __init__(self) -> None:
        super().__init__()
        self._deadline = Deadline(os.environ[VARIABLE])
        die_with_parent()
        os.register_at_fork(after_in_child=self._begin_worker)
        # There is nobody to answer a prompt.
        with Path(os.devnull).open() as nothing:
            os.dup2(nothing.fileno(), 0)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self._end_without_lease()

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if not ignore_errors and not may_be_rescued(result._task):
            print(FINAL)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        if not result._task.ignore_unreachable:
            print(FINAL)

    def _begin_worker(self) -> None:
        die_with_parent()
        self._end_without_lease()

    def _end_without_lease(self) -> None:
        if self._deadline.remaining() <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
