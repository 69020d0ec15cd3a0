"""The page about writing a driver is true: each command and each block of code on it is run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "drivers.rst"
BLOCK = re.compile(
    r"^\.\. code-block:: (?P<language>\w+)\n(?P<options>(?:    :.*\n)*)\n"
    r"(?P<body>(?:    .*\n|\n)+)",
    re.MULTILINE,
)
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Block:
    """A block of code on the page."""

    language: str
    caption: str
    body: str

    @property
    def commands(self) -> list[tuple[str, str]]:
        """The commands of a console, each with what it prints."""
        parts = re.split(r"^\$ (.*)\n", self.body, flags=re.MULTILINE)[1:]
        return list(zip(parts[::2], parts[1::2], strict=True))


def blocks() -> list[Block]:
    found = []
    for match in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        caption = re.search(r":caption: (\S+)", match["options"])
        body = textwrap.dedent(match["body"]).strip() + "\n"
        found.append(Block(match["language"], caption[1] if caption else "", body))
    return found


@dataclass
class Reader:
    """Somebody who does what the page says."""

    home: Path
    site: Path = field(init=False)

    def __post_init__(self) -> None:
        self.site = self.home / "site"

    @property
    def package(self) -> Path:
        return self.home / "craton-driver-shelf"

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        program, *arguments = shlex.split(command)
        environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
        path = os.pathsep.join(map(str, (self.package, self.site)))
        return subprocess.run(
            [BIN / program, *arguments],
            cwd=self.package
            if program != "craton-conformance" or self.site.exists()
            else self.home,
            env={**environment, "PYTHONPATH": path, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def install(self) -> None:
        """What ``pip install -e`` leaves behind: the entry points, under the site's directory."""
        subprocess.run(
            [
                *(sys.executable, "-c", "import setuptools; setuptools.setup()", "-q"),
                *("egg_info", "--egg-base"),
                self.site,
            ],
            cwd=self.package,
            check=True,
            capture_output=True,
        )


def says(expected: str, output: str) -> bool:
    """Tell whether an output has what the page shows, where dots stand for anything."""
    pattern = ".*".join(re.escape(part.strip()) for part in expected.strip().split("..."))
    return re.search(pattern, output, re.DOTALL) is not None


def test_the_page_leads_from_an_empty_directory_to_a_driver(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    exit_codes = []
    for block in blocks():
        if block.caption:
            path = reader.package / block.caption
            assert path.parent.is_dir(), "the skeleton has no such place"
            path.write_text(block.body, encoding="utf-8")
        elif block.language == "console":
            for command, expected in block.commands:
                done = reader.run(command)
                exit_codes.append(done.returncode)
                assert says(expected, done.stdout + done.stderr), (
                    command,
                    done.stdout,
                    done.stderr,
                )
                if "--new" in command:
                    reader.site.mkdir()
                    reader.install()
    assert exit_codes == [0, 1, 0, 0, 1]
