"""The walk in the README, taken line by line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.functional.commands import Place
from tests.waiting import PATIENCE

README = Path(__file__).parents[2] / "README.rst"


@pytest.mark.slow
def test_the_walk_in_the_readme_works(tmp_path: Path) -> None:
    blocks = re.findall(r"\.\. code-block:: bash\n\n((?:   .*\n|\n)+)", README.read_text())
    script = "\n".join(line[3:] for block in blocks for line in block.splitlines())
    assert script.count("curl") > 5
    (tmp_path / ".venv").symlink_to(sys.prefix)
    place = Place(tmp_path)
    # As make run starts it.
    with place.server("--sample") as server:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script.replace("http://127.0.0.1:7780", server.url)],
            cwd=tmp_path,
            env=place.environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert '"ansible_host": "192.0.2.1"' in done.stdout
        assert '"unchanged":{"groups":1,"hosts":1}' in done.stdout
