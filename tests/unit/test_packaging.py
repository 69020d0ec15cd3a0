"""What setup.cfg and constraints.txt promise is what gets installed."""

from __future__ import annotations

import compileall
import configparser
import importlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import craton

ROOT = Path(__file__).parents[2]
OLDEST_PYTHON = "3.11.2"  # Debian 12's
BUILD = "import setuptools.build_meta, sys; print(setuptools.build_meta.build_wheel(sys.argv[1]))"


def read_setup() -> configparser.ConfigParser:
    # The interpolation resolves one extra's mention of another.
    parser = configparser.ConfigParser(delimiters=("=",))
    # The documented way to keep the case of names.
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


SETUP = read_setup()
ENTRY_POINTS = sorted(
    (group, *re.split(r"\s*=\s*", line, maxsplit=1))
    for group, lines in SETUP["options.entry_points"].items()
    for line in lines.split("\n")
    if line
)
REQUIREMENTS = sorted(
    {
        line
        for lines in (
            SETUP["options"]["install_requires"],
            *SETUP["options.extras_require"].values(),
        )
        for line in lines.split("\n")
        if line
    }
)


def read_lines() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def read_pins() -> dict[str, str]:
    pairs = (line.split("==") for line in read_lines())
    return {canonicalize_name(name): version for name, version in pairs}


@pytest.mark.parametrize(("group", "name", "target"), ENTRY_POINTS)
def test_entry_point_can_be_loaded(group: str, name: str, target: str) -> None:
    module, _, attribute = target.partition(":")
    loaded = importlib.import_module(module)
    assert not attribute or callable(getattr(loaded, attribute))


def test_installed_entry_points_are_the_declared_ones() -> None:
    installed = importlib.metadata.distribution("craton").entry_points
    assert sorted((e.group, e.name, e.value) for e in installed) == ENTRY_POINTS


def test_constraints_are_exact_versions_and_nothing_else() -> None:
    loose = [line for line in read_lines() if not re.fullmatch(r"[\w.-]+==[\w.!+-]+", line)]
    assert loose == []


@pytest.mark.parametrize("line", REQUIREMENTS)
def test_requirement_is_pinned_at_a_version_it_allows(line: str) -> None:
    pins = read_pins()
    requirement = Requirement(line)
    assert canonicalize_name(requirement.name) in pins, "run make lock"
    assert pins[canonicalize_name(requirement.name)] in requirement.specifier


def test_pins_hold_for_the_oldest_python() -> None:
    oldest = {"python_version": "3.11", "python_full_version": OLDEST_PYTHON, "extra": ""}
    pins = read_pins()
    problems = []
    for name in pins:
        try:
            package = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # a newer Python does without it
        [required] = package.metadata.get_all("Requires-Python", [""])
        if OLDEST_PYTHON not in SpecifierSet(required):
            problems.append(f"{name} {package.version} refuses Python {OLDEST_PYTHON}")
        for requirement in map(Requirement, package.requires or ()):
            needed = requirement.marker is None or requirement.marker.evaluate(oldest)
            if needed and canonicalize_name(requirement.name) not in pins:
                problems.append(f"{name} needs {requirement}, which is not pinned")
    assert problems == []


def test_dev_extra_holds_every_other_extra() -> None:
    extras = {name: set(lines.split()) for name, lines in SETUP["options.extras_require"].items()}
    missing = {name: lines - extras["dev"] for name, lines in extras.items()}
    assert {name for name, lines in missing.items() if lines} == set()


def test_wheel_holds_the_package_whole_and_alone(tmp_path: Path) -> None:
    # Built from a copy, since a build leaves directories behind; compiled, since a checkout is.
    source = tmp_path / "source"
    shutil.copytree(
        ROOT / "craton", source / "craton", ignore=shutil.ignore_patterns("__pycache__")
    )
    files = {str(p.relative_to(source)) for p in (source / "craton").rglob("*") if p.is_file()}
    compileall.compile_dir(source / "craton", quiet=1)
    for name in ("setup.cfg", "pyproject.toml", "README.rst", "LICENSE"):
        shutil.copy(ROOT / name, source)

    built = subprocess.run(
        [sys.executable, "-c", BUILD, tmp_path],
        cwd=source,
        capture_output=True,
        text=True,
        check=True,
    )
    wheel = zipfile.ZipFile(tmp_path / built.stdout.splitlines()[-1])
    metadata = f"craton-{craton.__version__}.dist-info/"
    packaged = {name for name in wheel.namelist() if not name.startswith(metadata)}
    assert packaged == files
    assert f"{metadata}licenses/LICENSE" in wheel.namelist()
    assert b"License-Expression: Apache-2.0" in wheel.read(f"{metadata}METADATA")
