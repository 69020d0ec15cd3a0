"""What Keystone and Barbican for tests have in common: the environment that they run from."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.services.process import ServiceError

CHECKOUT = Path(__file__).parents[2]
ENVIRONMENT = CHECKOUT / ".venv-openstack"
PINS = CHECKOUT / "tools/openstack/constraints.txt"
ROOT = Path(__file__).with_name("openstack_root")

#: Seconds. Longer than any command here takes, so that only a hang meets it.
_PATIENCE = 120


def program(name: str) -> str:
    """The path of a program of the environment."""
    path = ENVIRONMENT / "bin" / name
    if not path.exists():
        raise ServiceError(f"{path} is missing: make test makes it (tools/test-services.sh)")
    return str(path)


def variables(directory: Path, **more: str) -> dict[str, str]:
    """The environment of a process that lives in a directory."""
    return {
        "PATH": os.pathsep.join([str(ENVIRONMENT / "bin"), os.environ["PATH"]]),
        "HOME": str(directory),
        "TMPDIR": str(directory),
        "LC_ALL": "C.UTF-8",
        "PYTHONWARNINGS": "ignore",
        **more,
    }


def run(environment: Mapping[str, str], name: str, *arguments: str) -> None:
    """Run a program of the environment to its end.

    Raises:
        ServiceError: It failed.
    """
    done = subprocess.run(
        [program(name), *arguments],
        env=environment,
        cwd=environment["HOME"],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
    )
    if done.returncode:
        raise ServiceError(f"{name}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
