"""The page about writing an adapter is true: the adapter on it keeps the contract."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "adapters.rst"
FILE = re.compile(r"    :caption: (?P<path>\S+)\n\n(?P<body>(?:    .*\n|\n)+)")
CONSOLE = re.compile(r"code-block:: console\n\n    \$ (?P<command>.*)\n(?P<said>(?:    .*\n)+)")


def test_the_adapter_on_the_page_passes_the_suite_and_the_run_says_what_the_page_says(
    tmp_path: Path,
) -> None:
    text = PAGE.read_text(encoding="utf-8")
    files = {found["path"]: textwrap.dedent(found["body"]) for found in FILE.finditer(text)}
    assert files.keys() == {
        *("setup.cfg", "craton_cmdb_rack.py", "tests/test_adapter.py", "craton.conf")
    }
    for path, body in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(body, encoding="utf-8")
    console = CONSOLE.search(text)
    assert console is not None
    assert console["command"] == "pytest"
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(tmp_path), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for line in console["said"].strip().splitlines():
        parts = [re.escape(part.strip()) for part in line.strip().split("...")]
        assert re.search(".*".join(parts), done.stdout), line
    assert " failed" not in done.stdout


def test_the_packages_of_the_page_and_of_the_example_offer_an_adapter() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert "craton.cmdb.adapters =\n        rack = craton_cmdb_rack:RackAdapter" in text
    example = PAGE.parents[1] / "examples" / "craton-cmdb-files" / "setup.cfg"
    assert "craton.cmdb.adapters =" in example.read_text(encoding="utf-8")
