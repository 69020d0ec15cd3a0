"""An operator's own ansible-playbook shows as a run, and does not suffer from that."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests

from craton.ansible.place import CALLBACK_PLUGINS
from tests.functional.commands import BIN, Place
from tests.functional.runs.execution.playing import CLOSED, LOCAL
from tests.waiting import PATIENCE

PLAYBOOK = """
- name: all of it
  hosts: "{{ target | default('fleet') }}"
  gather_facts: false
  tasks:
    - name: look
      ansible.builtin.debug: {msg: "hello {{ inventory_hostname }}"}
      when: inventory_hostname != 'skipped'
    - name: reach
      ansible.builtin.ping:
      when: inventory_hostname is match('away')
    - name: fail
      ansible.builtin.fail: {msg: "no luck"}
      when: inventory_hostname == 'bad'
    - block:
        - ansible.builtin.fail: {msg: broken}
          when: inventory_hostname == 'mended'
      rescue:
        - name: mend
          ansible.builtin.debug: {msg: mended}
          changed_when: true
"""
STATES = {
    "away": "unreachable",
    "bad": "failed",
    "good": "ok",
    "mended": "changed",
    "skipped": "skipped",
}


def play(
    directory: Path, inventory: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a playbook as an operator does, with the plugin in a directory where nothing else is."""
    plugins = directory / "plugins"
    plugins.mkdir(exist_ok=True)
    shutil.copy(CALLBACK_PLUGINS / "craton.py", plugins)
    playbook = directory / "site.yml"
    playbook.write_text(PLAYBOOK)
    return subprocess.run(
        [str(BIN / "ansible-playbook"), "-i", str(inventory), str(playbook), *arguments],
        env={
            "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]]),
            "HOME": str(directory),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_CALLBACK_PLUGINS": str(plugins),
            "ANSIBLE_CALLBACKS_ENABLED": "craton",
            **environment,
        },
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_the_directory_of_the_plugin_is_printed() -> None:
    command = [sys.executable, "-m", "craton.ansible"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert (Path(printed) / "craton.py").is_file()


def test_a_playbook_on_a_downloaded_bundle_shows_as_a_run(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with place.server() as server:
        tenant = server.create("/v1/tenants", name="acme")
        region = server.create(f"/v1/regions/{tenant}", name="north")
        group = server.create(f"/v1/groups/{region}", name="fleet")
        for name in (*STATES, "other"):
            variables = CLOSED if name == "away" else LOCAL
            groups = [] if name == "other" else [group]
            server.create(f"/v1/hosts/{region}", name=name, variables=variables, groups=groups)
        answer = requests.get(
            f"{server.url}/v1/inventory/{region}.tgz?target=ansible", timeout=PATIENCE
        )
        with tarfile.open(fileobj=BytesIO(answer.content)) as archive:
            archive.extractall(tmp_path / "fleet", filter="data")
        settings = {"CRATON_URL": server.url, "CRATON_REGION_ID": region, "CRATON_PATIENCE": "60"}
        ended = play(tmp_path, tmp_path / "fleet/hosts", "--limit", "fleet", **settings)
        assert ended.returncode == 4, ended.stdout + ended.stderr
        assert "Craton" not in ended.stderr
        (run,) = server.get(f"/v1/runs/{region}")["runs"]
        hosts = server.get(f"/v1/runs/{region}/{run['id']}/hosts")["hosts"]
        events = server.get(f"/v1/runs/{region}/{run['id']}/events?limit=1000")["events"]
    assert (run["origin"], run["playbook"], run["state"]) == ("reported", "site.yml", "failed")
    assert {host["host"]: host["state"] for host in hosts} == STATES
    messages = {host["host"]: (host["task"], host["message"]) for host in hosts}
    assert messages["bad"] == ("fail", "no luck")
    assert "Connection refused" in messages["away"][1]
    told = [event["type"] for event in events if event["host"] == "mended"]
    assert told[-3:] == ["host.failed", "host.changed", "host.finished"]
    assert [event["task"] for event in events if event["type"] == "play.started"] == ["all of it"]


class Answering(ThreadingHTTPServer):
    """A server that answers as its test wants, and notes what it was told."""

    def __init__(self, statuses: list[int]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses = statuses
        self.bodies: list[tuple[str, dict[str, str], Any]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Answering

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.statuses.pop(0) if self.server.statuses else 0
        made = self.path.count("/") == 3
        status = status or (201 if made else 204)
        self.server.bodies.append((self.path, dict(self.headers), content))
        body = b'{"id": "run-1", "detail": "not for you"}' if status != 204 else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def answering(*statuses: int) -> Iterator[Answering]:
    with Answering(list(statuses)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def local(directory: Path) -> Path:
    inventory = directory / "hosts.yml"
    inventory.write_text("fleet: {hosts: {good: {ansible_connection: local}}}\n")
    return inventory


@pytest.mark.parametrize(
    ("statuses", "warning"),
    [
        ((503, 503), ""),
        ((201, 409), "not for you"),
    ],
)
def test_what_the_server_answers_changes_nothing_for_the_playbook(
    tmp_path: Path, statuses: tuple[int, ...], warning: str
) -> None:
    with answering(*statuses) as server:
        settings = {
            "CRATON_URL": f"http://127.0.0.1:{server.server_port}/",
            "CRATON_REGION_ID": "region-1",
            "CRATON_TOKEN": "hunter2",
            "CRATON_PATIENCE": "60",
        }
        ended = play(tmp_path, local(tmp_path), **settings)
    assert ended.returncode == 0, ended.stderr
    assert ("Craton was not told" in ended.stderr) == bool(warning)
    assert warning in ended.stderr
    assert "hunter2" not in ended.stdout + ended.stderr
    assert {path for path, _, _ in server.bodies} <= {
        "/v1/runs/region-1",
        "/v1/runs/region-1/run-1/events",
    }
    assert {headers["X-Auth-Token"] for _, headers, _ in server.bodies} == {"hunter2"}


def test_nobody_waits_for_a_server_that_is_not_there(tmp_path: Path) -> None:
    settings = {
        "CRATON_URL": "http://127.0.0.1:1",
        "CRATON_REGION_ID": "region-1",
        "CRATON_PATIENCE": "0.1",
    }
    ended = play(tmp_path, local(tmp_path), **settings)
    assert ended.returncode == 0
    assert "Craton was not told how the playbook ended" in ended.stderr
    assert "refused" in ended.stderr


def test_without_a_word_on_where_craton_is_nothing_is_reported(tmp_path: Path) -> None:
    ended = play(tmp_path, local(tmp_path))
    assert ended.returncode == 0
    assert "Nothing is reported to Craton: url, region is not set" in ended.stderr
