"""Each change is one commit that can be read, and nobody's work is lost by it."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from craton_driver_directory.git import Git
from craton_driver_directory.worktree import WorkingTree

from craton.driver import Create, Delete, InventoryDriver, Replace
from craton.errors import ConfigurationError, CratonError, NotFound, Unavailable
from craton.models import Group, Host, Region, Tenant
from craton.variables import Variables

AMS = "tenants/acme/regions/ams"


def hosts(region: Region, names: Iterable[str]) -> list[Create]:
    return [Create(entity=Host(region_id=region.id, name=name)) for name in names]


def log(git: Callable[..., str]) -> list[str]:
    return git("log", "--format=%s").splitlines()


def test_a_change_is_one_commit_that_says_what_changed(
    driver: InventoryDriver, region: Region, git: Callable[..., str]
) -> None:
    host = driver.create(Host(region_id=region.id, name="web1", ssh_port=22))
    driver.replace(dataclasses.replace(host, ssh_port=2222))
    driver.delete(Host, host.id)
    assert log(git) == [
        "Delete host web1 in acme/ams",
        "Change host web1 in acme/ams",
        "Create host web1 in acme/ams",
        "Create region ams in acme",
        "Create tenant acme",
        "Begin an inventory",
    ]
    diff = git("show", "--format=", "--unified=0", "HEAD~1").splitlines()
    changed = [line for line in diff if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert changed[:2] == ["-ssh_port: 22", "+ssh_port: 2222"]
    assert [line.split(":")[0] for line in changed[2:]] == (
        ["-updated_at", "-revision", "-digest", "+updated_at", "+revision", "+digest"]
    )


def test_a_batch_is_one_commit(
    driver: InventoryDriver, region: Region, git: Callable[..., str]
) -> None:
    before = len(log(git))
    group = Create(entity=Group(id="g", region_id=region.id, name="web"))
    driver.apply([*hosts(region, ("a", "b")), group])
    assert len(log(git)) == before + 1
    assert git("log", "-1", "--format=%B").split("\n")[:5] == [
        *("Make 3 changes", "", "Create group web in acme/ams"),
        *("Create host a in acme/ams", "Create host b in acme/ams"),
    ]
    assert driver.apply([]) == []
    with pytest.raises(NotFound):
        driver.apply([*hosts(region, "c"), Delete(kind=Host, id="no")])
    assert len(log(git)) == before + 1


def test_the_working_tree_and_the_index_follow(
    driver: InventoryDriver, region: Region, place: Path, git: Callable[..., str]
) -> None:
    driver.apply(hosts(region, ("a", "b")))
    assert git("status", "--porcelain") == ""
    assert git("diff-index", "HEAD") == ""
    files = [str(path.relative_to(place)) for path in (place / AMS).rglob("*.yaml")]
    assert sorted(files) == [f"{AMS}/hosts/a.yaml", f"{AMS}/hosts/b.yaml", f"{AMS}/region.yaml"]
    for host in list(driver.scan(Host)):
        driver.delete(Host, host.id)
    assert not (place / AMS / "hosts").exists()
    assert git("status", "--porcelain") == ""


def test_links_are_names_and_a_rename_is_seen_where_they_are(
    driver: InventoryDriver, region: Region, place: Path, git: Callable[..., str]
) -> None:
    group = driver.create(Group(region_id=region.id, name="web"))
    host = driver.create(Host(region_id=region.id, name="a", groups=(group.id,)))
    assert "groups:\n- web\n" in (place / AMS / "hosts/a.yaml").read_text()
    driver.replace(dataclasses.replace(group, name="www"))
    assert "groups:\n- www\n" in (place / AMS / "hosts/a.yaml").read_text()
    assert driver.get(Host, host.id) == host
    changed = git("diff", "--no-renames", "--name-status", "HEAD~1").splitlines()
    assert changed == [
        f"D\t{AMS}/groups/web.yaml",
        f"A\t{AMS}/groups/www.yaml",
        f"M\t{AMS}/hosts/a.yaml",
    ]


def test_a_renamed_region_takes_its_files_along(
    driver: InventoryDriver,
    region: Region,
    make: Callable[[], InventoryDriver],
    place: Path,
    git: Callable[..., str],
) -> None:
    driver.apply(hosts(region, ("a", "b")))
    before = list(driver.scan(Host))
    driver.replace(dataclasses.replace(region, name="Amsterdam 2"))
    assert not (place / AMS).exists()
    assert (place / "tenants/acme/regions/+amsterdam%202/hosts/a.yaml").exists()
    with make() as other:
        assert list(other.scan(Host)) == before
    assert git("status", "--porcelain") == ""


def test_names_may_be_exchanged(
    driver: InventoryDriver, region: Region, make: Callable[[], InventoryDriver]
) -> None:
    driver.apply(hosts(region, ("a", "b")))
    a, b = driver.scan(Host)
    driver.apply(
        Replace(entity=dataclasses.replace(host, name=name))
        for host, name in ((a, "c"), (b, "a"), (a, "b"))
    )
    with make() as other:
        assert {host.id: host.name for host in other.scan(Host)} == {a.id: "b", b.id: "a"}


def test_what_was_written_is_what_another_node_reads(
    driver: InventoryDriver, region: Region, make: Callable[[], InventoryDriver]
) -> None:
    values = Variables({"b": {"z": 1, "a": [1.0, -0.0, 10**50, "on", "\x85", {}]}, "a": None})
    driver.apply([Create(entity=Group(id="g", region_id=region.id, name="g", variables=values))])
    host = driver.create(
        Host(region_id=region.id, name="a", groups=("g",), variables=values, templated=("b",))
    )
    with make() as other:
        assert other.get(Host, host.id) == host
        assert other.get(Group, "g").variables.text == values.text
        changed = other.replace(dataclasses.replace(host, active=False))
    assert driver.get(Host, host.id) == changed


def test_what_somebody_has_changed_and_not_committed_is_never_overwritten(
    driver: InventoryDriver, region: Region, place: Path, git: Callable[..., str]
) -> None:
    driver.apply(hosts(region, ("a", "b")))
    a, b = driver.scan(Host)
    edited = (place / AMS / "hosts/a.yaml").read_text().replace("active: true", "active: false")
    (place / AMS / "hosts/a.yaml").write_text(edited)
    with pytest.raises(Unavailable, match=r"hosts/a\.yaml was changed"):
        driver.replace(a)
    with pytest.raises(Unavailable, match=r"hosts/a\.yaml was changed"):
        driver.delete(Region, region.id, cascade=True)
    driver.replace(b)
    (place / AMS / "hosts/c.yaml").write_text("name: c\n")
    with pytest.raises(Unavailable, match=r"hosts/c\.yaml was changed"):
        driver.apply(hosts(region, "c"))
    assert git("status", "--porcelain").split() == (
        ["M", f"{AMS}/hosts/a.yaml", "??", f"{AMS}/hosts/c.yaml"]
    )
    git("add", "--all")
    git("commit", "-q", "-m", "By hand")
    assert not driver.get(Host, a.id).active
    driver.replace(driver.get(Host, a.id))


def test_what_somebody_has_staged_elsewhere_stays_staged(
    driver: InventoryDriver, region: Region, place: Path, git: Callable[..., str]
) -> None:
    driver.apply(hosts(region, ("a", "b")))
    a, _ = driver.scan(Host)
    (place / AMS / "hosts/b.yaml").write_text("name: b\n")
    git("add", "--all")
    driver.replace(a)
    assert git("status", "--porcelain").split() == ["M", f"{AMS}/hosts/b.yaml"]


def test_while_another_git_command_is_at_work_nothing_is_written(
    driver: InventoryDriver, region: Region, place: Path
) -> None:
    lock = place / ".git/index.lock"
    lock.touch()
    with pytest.raises(Unavailable, match="another git command"):
        driver.apply(hosts(region, "a"))
    assert list(driver.scan(Host)) == []
    timer = threading.Timer(0.2, lock.unlink)
    timer.start()
    driver.apply(hosts(region, "a"))
    timer.join()


def test_commits_of_somebody_else_at_the_same_time_are_not_lost(
    driver: InventoryDriver, region: Region, place: Path, git: Callable[..., str]
) -> None:
    failures = []

    def by_hand() -> None:
        for number in range(8):
            (place / "README").write_text(f"{number}\n")
            somebody = ("-c", "user.name=S", "-c", "user.email=s@example.com")
            done = subprocess.run(
                ["git", *somebody, "commit", "-q", "-m", f"By hand {number}", "README"],
                cwd=place,
                capture_output=True,
            )
            failures.append(done.returncode)

    (place / "README").touch()
    git("add", "README")
    git("commit", "-q", "-m", "A file")
    before = len(log(git))
    thread = threading.Thread(target=by_hand)
    thread.start()
    stored = 0
    for number in range(16):
        try:
            driver.create(Host(region_id=region.id, name=f"h{number}"))
            stored += 1
        except Unavailable:
            continue
    thread.join()
    assert len(list(driver.scan(Host))) == stored
    assert len(log(git)) == before + stored + failures.count(0)
    assert stored


def test_somebody_who_commits_between_reading_and_writing_is_noticed(
    driver: InventoryDriver,
    region: Region,
    place: Path,
    git: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commit = Git.commit

    def late(self: Git, *arguments: Any) -> str:
        git("commit", "-q", "--allow-empty", "-m", "By hand")
        return commit(self, *arguments)

    (place / "README").write_text("Staged\n")
    git("add", "README")
    with monkeypatch.context() as patch:
        patch.setattr(WorkingTree, "held", lambda self: nullcontext())
        patch.setattr(Git, "commit", late)
        with pytest.raises(Unavailable, match="somebody else has committed") as caught:
            driver.apply(hosts(region, "a"))
    assert caught.value.retry_after > 0
    assert log(git)[0] == "By hand"
    assert list(driver.scan(Host)) == []
    driver.apply(hosts(region, "a"))
    assert log(git)[:2] == ["Create host a in acme/ams", "By hand"]
    assert git("status", "--porcelain") == ""


@pytest.mark.parametrize("command", ["cat-file", "fast-import"])
def test_a_git_that_fails_is_unavailable_and_the_next_one_serves(
    driver: InventoryDriver,
    region: Region,
    git: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: str,
) -> None:
    driver.apply(hosts(region, "a"))
    before = git("rev-parse", "HEAD")
    broken = tmp_path / "bin" / "git"
    broken.parent.mkdir()
    real = shutil.which("git")
    broken.write_text(f'#!/bin/sh\ncase "$*" in *{command}*) exit 1;; esac\nexec {real} "$@"\n')
    broken.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{broken.parent}{os.pathsep}{os.environ['PATH']}")
        os.kill(driver._repository._git._reader.pid, signal.SIGKILL)
        driver._repository._git._reader.wait()
        with pytest.raises(Unavailable) as caught:
            driver.apply(hosts(region, "b"))
        assert caught.value.__cause__ is not None
    assert git("rev-parse", "HEAD") == before
    driver.apply(hosts(region, "b"))
    assert git("status", "--porcelain") == ""


def test_proposals_in_another_branch_change_nothing_until_they_are_merged(
    driver: InventoryDriver, region: Region, place: Path, git: Callable[..., str]
) -> None:
    host = driver.create(Host(region_id=region.id, name="a"))
    git("switch", "-q", "-c", "proposal")
    path = place / AMS / "hosts/a.yaml"
    path.write_text(path.read_text().replace("active: true", "active: false"))
    git("commit", "-q", "-a", "-m", "A proposal")
    assert driver.get(Host, host.id) == host
    late = driver.create(Host(region_id=region.id, name="late"))
    assert git("status", "--porcelain") == ""
    git("switch", "-q", "main")
    git("merge", "-q", "-m", "Merge", "proposal")
    assert not driver.get(Host, host.id).active
    assert driver.get(Host, late.id) == late


def test_a_directory_that_was_there_keeps_what_it_had(
    place: Path, make: Callable[[], InventoryDriver], git: Callable[..., str]
) -> None:
    place.mkdir()
    (place / "README").write_text("Ours\n")
    git("init", "-q", "-b", "main")
    git("add", "README")
    git("commit", "-q", "-m", "Ours")
    with make() as driver:
        driver.create(Tenant(name="acme"))
    assert git("ls-files").split() == ["README", "tenants/acme/tenant.yaml"]


def test_a_branch_that_is_missing_is_not_made_beside_others(
    place: Path, make: Callable[[], InventoryDriver], git: Callable[..., str]
) -> None:
    place.mkdir()
    git("init", "-q", "-b", "trunk")
    with pytest.raises(ConfigurationError, match="no branch 'main'"):
        make().open()


@pytest.mark.parametrize("hash_", ["sha1", "sha256"])
def test_both_formats_of_repositories_serve(
    place: Path, make: Callable[[], InventoryDriver], git: Callable[..., str], hash_: str
) -> None:
    place.mkdir()
    git("init", "-q", "-b", "main", f"--object-format={hash_}")
    with make() as driver:
        tenant = driver.create(Tenant(name="acme"))
        assert driver.replace(tenant).created_at == tenant.created_at
    assert git("status", "--porcelain") == ""


def test_a_linked_working_tree_serves(
    tmp_path: Path, place: Path, make: Callable[[], InventoryDriver], git: Callable[..., str]
) -> None:
    place.mkdir()
    git("init", "-q", "-b", "other")
    git("commit", "-q", "--allow-empty", "-m", "Begin")
    git("branch", "main")
    main = tmp_path / "repository"
    place.rename(main)
    subprocess.run(["git", "worktree", "add", "-q", place, "main"], cwd=main, check=True)
    with make() as driver:
        driver.create(Tenant(name="acme"))
    assert git("status", "--porcelain") == ""
    assert log(git) == ["Create tenant acme", "Begin"]


def dies(work: Callable[[], object]) -> None:
    """Run something in a copy of this process that is to kill itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)


def killing(function: Callable[..., object], after: bool) -> Callable[..., None]:
    """Wrap a function so that the process is killed before or after it."""

    def run(*arguments: object, **keywords: object) -> None:
        if after:
            function(*arguments, **keywords)
        os.kill(os.getpid(), signal.SIGKILL)

    return run


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("owner", "method", "stored"),
    [
        (WorkingTree, "check_untouched", False),
        (Git, "commit", None),
        (WorkingTree, "follow", True),
        (WorkingTree, "_put", True),
        (Git, "update_index", True),
    ],
)
def test_a_writer_that_is_killed_anywhere_leaves_all_or_nothing(
    make: Callable[[], InventoryDriver],
    place: Path,
    git: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    owner: type[WorkingTree] | type[Git],
    method: str,
    stored: bool | None,
    after: bool,
) -> None:
    with make() as driver:
        tenant = driver.create(Tenant(name="acme"))
        region = driver.create(Region(tenant_id=tenant.id, name="ams"))
        driver.apply(hosts(region, ("a", "b")))
        a, _ = before = list(driver.scan(Host))

    def work() -> None:
        monkeypatch.setattr(owner, method, killing(getattr(owner, method), after))
        with make() as driver:
            driver.apply(
                [*hosts(region, ("c", "d")), Replace(entity=dataclasses.replace(a, ssh_port=1))]
            )

    dies(work)
    stored = after if stored is None else stored
    with make() as survivor:
        assert [host.name for host in survivor.scan(Host)] == (
            list("abcd") if stored else ["a", "b"]
        )
        assert (next(survivor.scan(Host)) == before[0]) == (not stored)
        assert git("status", "--porcelain") == ""
        survivor.apply(hosts(region, "e"))
    assert git("status", "--porcelain") == ""
    git("fsck", "--strict")


def test_what_somebody_changed_after_a_writer_was_killed_stays(
    make: Callable[[], InventoryDriver],
    place: Path,
    git: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with make() as driver:
        tenant = driver.create(Tenant(name="acme"))
        region = driver.create(Region(tenant_id=tenant.id, name="ams"))
        driver.apply(hosts(region, ("a", "b")))
        a, b = driver.scan(Host)

    def work() -> None:
        monkeypatch.setattr(WorkingTree, "follow", killing(WorkingTree.follow, after=False))
        with make() as driver:
            driver.apply(Replace(entity=dataclasses.replace(h, ssh_port=1)) for h in (a, b))

    dies(work)
    path = place / AMS / "hosts/a.yaml"
    edited = path.read_text().replace("active: true", "active: false")
    path.write_text(edited)
    with make() as survivor:
        assert [host.ssh_port for host in survivor.scan(Host)] == [1, 1]
    assert path.read_text() == edited
    assert "ssh_port: 1\n" in (place / AMS / "hosts/b.yaml").read_text()
    assert git("status", "--porcelain").split() == ["M", f"{AMS}/hosts/a.yaml"]


def test_a_symbolic_link_in_the_working_tree_leads_nowhere(
    driver: InventoryDriver, region: Region, place: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (place / AMS / "hosts").symlink_to(tmp_path / "outside")
    with pytest.raises(Unavailable, match="hosts is a symbolic link"):
        driver.apply(hosts(region, "a"))
    assert list((tmp_path / "outside").iterdir()) == []


def test_the_environment_of_a_hook_means_nothing(
    make: Callable[[], InventoryDriver],
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("GIT_DIR", str(tmp_path / "other"))
        patch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "objects"))
        with make() as driver:
            driver.create(Tenant(name="acme"))
    assert not (tmp_path / "other").exists()
    assert not (tmp_path / "objects").exists()
    with make() as driver:
        assert [tenant.name for tenant in driver.scan(Tenant)] == ["acme"]


WRITER = """
import itertools, sys
from craton import config, loader
from craton.driver import Create
from craton.models import Host
with loader.load(config.settings(files=[sys.argv[1]])) as driver:
    for number in itertools.count():
        driver.apply(
            Create(entity=Host(region_id=sys.argv[2], name=f"h{sys.argv[3]}-{number}-{part}"))
            for part in range(30)
        )
        print(number, flush=True)
"""


def test_processes_that_are_killed_at_any_moment_with_their_git_leave_whole_batches(
    make: Callable[[], InventoryDriver], place: Path, git: Callable[..., str], tmp_path: Path
) -> None:
    with make() as driver:
        tenant = driver.create(Tenant(name="acme"))
        region = driver.create(Region(tenant_id=tenant.id, name="ams"))
    acknowledged = 0
    for round_ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, tmp_path / "craton.conf", region.id, str(round_)],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert writer.stdout.readline(), "it cannot write"
        time.sleep(0.05 + 0.05 * round_)
        os.killpg(writer.pid, signal.SIGKILL)
        acknowledged += 1 + len(writer.communicate()[0].splitlines())
        with make() as survivor:
            found = survivor.count(Host)
            assert found % 30 == 0
            assert found >= 30 * acknowledged
            assert git("status", "--porcelain") == ""
    git("fsck", "--strict")


def test_two_drivers_on_one_directory_take_turns(
    driver: InventoryDriver,
    region: Region,
    make: Callable[[], InventoryDriver],
    git: Callable[..., str],
) -> None:
    with make() as other:
        errors = []

        def write(node: InventoryDriver, name: str) -> None:
            for number in range(6):
                try:
                    node.create(Host(region_id=region.id, name=f"{name}{number}"))
                except CratonError as error:
                    errors.append(error)

        threads = [
            threading.Thread(target=write, args=(node, name))
            for node, name in ((driver, "a"), (other, "b"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert len(list(other.scan(Host))) == 12
    assert git("status", "--porcelain") == ""
