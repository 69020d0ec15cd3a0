"""The benchmark as a whole, on a small fleet; nothing here says how fast anything must be."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench import watchers
from bench.fleet import Fleet
from bench.floors.bundles import FLOORS
from bench.measure import Growth, Timing
from bench.scenarios import TIMINGS, measure_memory
from bench.stage import Stage, prepared
from craton.bundles import tgz

pytestmark = pytest.mark.xdist_group("bench")

ROOT = Path(__file__).parents[2]
#: A Nautobot takes too long to fill for this, and clients are watched in a test of their own.
SUBJECTS = [name for name in TIMINGS if name not in {"nautobot", "watchers"}]
COMMAND = [sys.executable, "-m", "bench", "--variables=20", "--groups=20", "--repeat=1"]


def test_a_run_measures_every_time_and_leaves_nothing_behind(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    found = tmp_path / "results.json"

    done = subprocess.run(
        [*COMMAND, "--hosts=200", f"--only={','.join(SUBJECTS)}", f"--json={found}"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    results = json.loads(found.read_text())
    aims = {line["what"]: line["aim"] for line in results["timings"] if line["aim"]}
    assert aims == {
        "import": 6,
        "bundle target=ansible": 2,
        "bundle target=taskflow": 2,
        "bundle .json": 2,
        "unchanged target=ansible": 0.1,
        "unchanged target=taskflow": 0.1,
        "unchanged .json": 0.1,
        "list of 1,000": 8,
        "get, to Pecan+WSME": 2.5,
        "200 references, ansible": 1.2,
        "200 references, taskflow": 1.2,
        "from a mirror, ansible": 1.1,
        "from a mirror, taskflow": 1.1,
        "run of 20 hosts": 1 / 0.85,
        "bundle from MongoDB": 2,
    }
    assert all(line["craton"] > 0 for line in results["timings"])
    assert all(line["ratio"] > 0 for line in results["timings"] if line["aim"])
    assert [line["what"] for line in results["timings"]] == [
        line.split("  ")[0] for line in done.stdout.split("\n\n")[1].splitlines()[1:]
    ]
    assert list(temporary.iterdir()) == []


def test_an_interrupted_run_ends_its_servers_and_leaves_nothing_behind(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "--hosts=5000"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        assert "importing" in process.stderr.readline()
        children = psutil.Process(process.pid).children(recursive=True)
        # Not SIGINT: whoever starts the tests in the background may have it ignored.
        process.send_signal(signal.SIGTERM)
        assert "interrupted" in process.stderr.read()

    assert process.returncode == 130
    assert children
    assert psutil.wait_procs(children, timeout=10)[1] == []
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("stage")
    with prepared(directory, Fleet(hosts=200, variables=20, groups=20)) as stage:
        yield stage


def test_those_who_follow_a_run_are_sent_every_event(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchers, "WATCHERS", 10)
    monkeypatch.setattr(watchers, "_SECONDS", 1)

    found = list(watchers.measure_watchers(stage, 1))

    assert [type(result) for result in found] == [Timing, Timing, Growth] * 2
    assert all(result.craton > 0 for result in found if isinstance(result, Timing))


@pytest.mark.parametrize("target", ["ansible", "taskflow"])
def test_the_floor_of_a_bundle_holds_what_the_bundle_holds(stage: Stage, target: str) -> None:
    with stage.server.connect() as connection:
        body = connection.get(f"/v1/inventory/{stage.region_id}.tgz?target={target}").body
    with stage.opened() as database:
        floor = FLOORS[target](database, stage.region_id)

    ours, raw = unpacked(body), unpacked(floor)

    assert ours.keys() == raw.keys()
    assert len(ours) > 10
    for name, content in ours.items():
        assert meaning(raw[name]) == meaning(content), name


def test_the_floor_of_the_script_holds_what_the_script_holds(stage: Stage) -> None:
    with stage.server.connect() as connection:
        ours = connection.get(f"/v1/inventory/{stage.region_id}.json").json()
    with stage.opened() as database:
        raw = json.loads(FLOORS["script"](database, stage.region_id))

    ours.pop("ungrouped")
    ours["all"]["children"].remove("ungrouped")

    assert raw.pop("_meta") == ours.pop("_meta")
    assert sorted_lists(raw) == sorted_lists(ours)


def test_the_floor_of_a_bundle_is_compressed_by_the_bundles_own_level(stage: Stage) -> None:
    with stage.opened() as database:
        raw = FLOORS["ansible"](database, stage.region_id)
    with stage.server.connect() as connection:
        body = connection.get(f"/v1/inventory/{stage.region_id}.tgz?target=ansible").body

    assert tgz.LEVEL
    assert len(raw) == pytest.approx(len(body), rel=0.1)


def test_memory_is_measured_for_a_region_and_for_one_of_a_tenth_of_its_size(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.scenarios.BUNDLES", {"script": (".json", ".json")})

    found = list(measure_memory(stage))

    assert [line.hosts for line in found] == [20, 200]
    assert all(line.peak >= line.before > 20 for line in found)


def unpacked(archive: bytes) -> dict[str, Any]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = {member.name: tar.extractfile(member) for member in tar}
        return {name: json.load(file) for name, file in files.items() if file is not None}


def meaning(document: dict[str, Any]) -> object:
    """Return what a member says, whatever the order and the place in which it says it."""
    if "members" in document:
        return sorted(member["name"] for member in document["members"])
    if "all" not in document:
        return document
    facts: set[tuple[str, ...]] = set()

    def visit(groups: dict[str, Any], parent: str) -> None:
        for name, group in groups.items():
            facts.add(("child", parent, name))
            facts.update(("member", name, host) for host in group.get("hosts", {}))
            facts.update(("set", name, *map(str, item)) for item in group.get("vars", {}).items())
            visit(group.get("children", {}), name)

    visit(document["all"]["children"], "all")
    return document["all"]["hosts"], facts


def sorted_lists(groups: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            key: sorted(value) if isinstance(value, list) else value
            for key, value in group.items()
            if value
        }
        for name, group in groups.items()
    }
