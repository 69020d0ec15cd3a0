"""The service as it is installed: a run is started by a click, and Ansible carries it out."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import Witness
from tests.browser.conftest import PATIENCE
from tests.browser.looking import expect_connection, expect_counts
from tests.functional.commands import Place as Commands
from tests.services import redis

#: Two batches; the second waits at a gate, which the test opens.
PLAYBOOK = """
- hosts: all
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"
  tasks:
    - name: Wait
      ansible.builtin.wait_for:
        path: {gate}
        timeout: 120
      when: inventory_hostname in ["web3", "web4"]
    - name: Refuse
      ansible.builtin.fail:
        msg: "<b>no space left</b>"
      when: inventory_hostname == "web2"
    - name: Answer
      ansible.builtin.ping:
"""


@pytest.mark.slow
def test_a_run_outlives_the_server_and_its_page_tells_so(browser: Browser, tmp_path: Path) -> None:
    commands = Commands(tmp_path)
    gate = tmp_path / "gate"
    playbooks = tmp_path / "playbooks"
    playbooks.mkdir()
    (playbooks / "site.yml").write_text(PLAYBOOK.format(gate=gate))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with redis.started(tmp_path / "redis") as shared:
        path = commands.configuration(
            f"[api]\nport = {port}\n[runs]\nplaybook_path = {playbooks}\nmax_attempts = 20\n"
            f"redis_url = redis://127.0.0.1:{shared.port}/0\nworkers = 1\n"
        )
        arguments = ("--config-file", path, "--port", str(port))
        with commands.server(*arguments) as server:
            tenant = server.create("/v1/tenants", name="acme")
            region = server.create(f"/v1/regions/{tenant}", name="north")
            for number in (1, 2, 3, 4):
                server.create(f"/v1/hosts/{region}", name=f"web{number}")
            witness = Witness(server.url)
            page = browser.new_page()
            page.set_default_timeout(PATIENCE)
            witness.watch(page)
            page.goto(f"{server.url}/ui/#/tenants/{tenant}/regions/{region}/runs/new")
            page.get_by_label("Hosts to a batch").fill("2")
            page.get_by_role("button", name="Start the run").click()
            expect_counts(page, ok=1, failed=1)
            expect(page.locator(".troubles li")).to_contain_text("<b>no space left</b>")
            expect(page.locator(".words")).to_contain_text("2 of 4 hosts done")
            events = f"/v1/runs/{region}/{page.url.rpartition('/')[2]}/events?limit=1000"
            while not any(
                one["type"] == "batch.started" and one["data"]["batch"] == 1
                for one in server.get(events)["events"]
            ):
                page.wait_for_timeout(100)
            server.kill()
            expect_connection(page, "lost")
        with commands.server(*arguments):
            expect_connection(page, "live")
            expect(page.locator(".notes")).to_contain_text("Another conductor took it over")
            expect(page.locator(".notes")).to_contain_text("was interrupted, and is run again")
            gate.touch()
            expect_connection(page, "ended")
            expect_counts(page, ok=3, failed=1, pending=0, running=0)
            expect(page.locator(".first .badge")).to_contain_text("failed")
            page.context.close()
            assert witness.faults == []
