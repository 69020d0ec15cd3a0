"""Keys rotate under load: several processes seal and open meanwhile, and nothing is lost."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from craton.secrets.fernet import FernetStore
from craton.secrets.repository import KeyRepository
from tests.waiting import PATIENCE

PROGRAM = Path(__file__).with_name("rotation_process.py")


class Worker:
    """A process that opens what it is given and seals something new."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def exchange(self, line: str) -> str:
        """Let it open a text; return one that it sealed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        assert answer, "the process ended"
        return answer


@pytest.fixture
def workers(fernet: FernetStore, tmp_path: Path) -> Iterator[list[Worker]]:
    """Three processes with the same keys."""
    file = tmp_path / "craton.conf"
    file.write_text(f"[DEFAULT]\nstate_path = {tmp_path}\n")
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, str(PROGRAM), str(file), str(number)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for number in range(3)
        ]
        try:
            yield [Worker(process) for process in processes]
        finally:
            for process in processes:
                process.kill()


def test_nothing_is_lost_while_keys_rotate(fernet: FernetStore, workers: list[Worker]) -> None:
    rotations = 20
    sealed: list[str] = []
    latest = [""] * len(workers)
    done = False

    def exchange(number: int) -> int:
        steps = 0
        while not done or steps < 10:
            # It opens what its neighbour sealed last.
            latest[number] = workers[number].exchange(latest[number - 1])
            sealed.append(latest[number])
            steps += 1
        return steps

    with ThreadPoolExecutor(len(workers)) as pool:
        loads = [pool.submit(exchange, number) for number in range(len(workers))]
        try:
            for _ in range(rotations):
                fernet.repository.rotate()
                # One more than there are workers: one of these was sealed after the rotation.
                enough = len(sealed) + len(workers) + 1
                while len(sealed) < enough and not any(load.done() for load in loads):
                    time.sleep(0.001)
        finally:
            done = True
        assert min(load.result(PATIENCE) for load in loads) >= 10
    keys = {fernet.key_id(line.partition(" ")[2]) for line in sealed}
    assert len(keys) >= rotations, "the load and the rotations did not meet"
    for line in sealed:
        name, _, text = line.partition(" ")
        assert fernet.open(text, "host", name) == name.encode()


def test_rotations_at_once_take_turns(fernet: FernetStore) -> None:
    before = fernet.repository.read()
    directory = fernet.repository.directory
    program = (
        "import sys; from pathlib import Path\n"
        "from craton.secrets.repository import KeyRepository\n"
        "print(*(KeyRepository(Path(sys.argv[1])).rotate() for _ in range(4)))"
    )
    command = [sys.executable, "-c", program, str(directory)]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            for _ in range(3)
        ]
        answers = [process.communicate(timeout=PATIENCE)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    # No number was given twice, and no key was written over.
    numbers = sorted(int(number) for answer in answers for number in answer.split())
    assert numbers == list(range(2, 14))
    after = KeyRepository(directory).read()
    assert list(after.keys) == list(range(14))
    assert len({key.id for key in after.keys.values()}) == 14
    assert after.keys[1] == before.primary
    assert sorted(path.name for path in directory.iterdir()) == sorted(map(str, range(14)))
