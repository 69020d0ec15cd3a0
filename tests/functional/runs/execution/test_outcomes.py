"""Whatever Ansible does to a host, its events and its last state say so."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import psutil
import pytest

from craton.runs.models import EventType, HostState, RunHost
from craton.runs.preparing import limit_pattern
from tests.functional.runs.execution.playing import Held, Stage, Told
from tests.functional.runs.execution.watching import alive, is_playing, mark, running
from tests.waiting import until

#: What is told of one playbook is looked at from many sides; it is played once.
pytestmark = pytest.mark.xdist_group("outcomes")

#: One host for each thing that can become of one; its name says which.
EVERYTHING = r"""
- name: first play
  hosts: all:!untouched
  gather_facts: false
  tasks:
    - name: look
      ansible.builtin.command: "true"
      changed_when: false
      when: inventory_hostname != 'skipped'
    - name: change
      ansible.builtin.command: echo it is done
      when: inventory_hostname == 'changed'
    - name: fail
      ansible.builtin.fail: {msg: "no luck with {{ inventory_hostname }}"}
      when: inventory_hostname == 'failed'
    - name: fail in a shell
      ansible.builtin.shell: "echo out; printf '\\033[31mred\\033[0m \\007 error' >&2; exit 3"
      when: inventory_hostname == 'shell'
    - name: hide
      ansible.builtin.command: /bin/false hunter2
      no_log: true
      when: inventory_hostname == 'hidden'
    - name: loop
      ansible.builtin.shell: "echo {{ item }} is wrong >&2; test {{ item }} = good"
      loop: [good, bad, ugly]
      when: inventory_hostname == 'loop'
    - name: ignore
      ansible.builtin.fail: {msg: ignored}
      ignore_errors: true
      when: inventory_hostname == 'ignored'
    - when: inventory_hostname == 'rescued'
      block:
        - block:
            - name: break
              ansible.builtin.fail: {msg: broken}
      rescue:
        - name: mend
          ansible.builtin.command: echo mended
    - when: inventory_hostname == 'lost'
      block:
        - name: break too
          ansible.builtin.fail: {msg: broken}
      rescue:
        - name: fail to mend
          ansible.builtin.fail: {msg: not mended}
      always:
        - name: tidy
          ansible.builtin.command: echo tidy
    - name: lose
      ansible.builtin.command: "true"
      vars: {ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1}
      ignore_unreachable: true
      when: inventory_hostname == 'forgiven'
    - name: in the background
      ansible.builtin.command: sleep 0
      async: 20
      poll: 1
      when: inventory_hostname == 'async'
    - name: add a host
      ansible.builtin.add_host: {name: stranger, groups: strangers, ansible_connection: local}
      changed_when: false
      run_once: true
- name: second play
  hosts: strangers:async
  gather_facts: false
  tasks:
    - ansible.builtin.command: "true"
      changed_when: false
"""
HOSTS = "async changed failed forgiven hidden ignored loop lost ok rescued shell skipped untouched"


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What is told of a playbook in which everything happens."""
    stage = Stage(tmp_path_factory.mktemp("everything"))
    stage.host(*HOSTS.split())
    stage.unreachable("unreachable")
    stage.write(EVERYTHING)
    outcome, told = stage.run()
    assert (outcome.interrupted, outcome.message) == (False, "")
    return told


def test_every_host_ends_as_ansibles_recap_says(everything: Told) -> None:
    assert everything.states() == {
        "async": "changed",
        "changed": "changed",
        "failed": "failed",
        "forgiven": "ok",
        "hidden": "failed",
        "ignored": "ok",
        "loop": "failed",
        "lost": "failed",
        "ok": "ok",
        "rescued": "changed",
        "shell": "failed",
        "skipped": "skipped",
        "unreachable": "unreachable",
        "untouched": "skipped",
    }


def test_plays_tasks_and_what_came_of_them_are_told_in_order(everything: Told) -> None:
    types = everything.types("changed")
    assert types[0] == "task.started"
    assert everything.of("changed")[0].host_state is HostState.RUNNING
    assert [type for type in types if type not in {"host.skipped", "task.started"}] == [
        "host.ok",
        "host.changed",
        "host.finished",
    ]
    assert [
        report.task for report in everything.reports if report.type is EventType.PLAY_STARTED
    ] == ["first play", "second play"]
    tasks = [report for report in everything.reports if report.type is EventType.TASK_STARTED]
    assert [report.task for report in tasks if report.host is None][:3] == [
        "look",
        "change",
        "fail",
    ]
    assert all(report.data["batch"] == 0 for report in tasks)


@pytest.mark.parametrize(
    ("host", "task", "messages"),
    [
        ("failed", "fail", ["no luck with failed"]),
        ("shell", "fail in a shell", ["non-zero return code", "red \ufffd error"]),
        ("loop", "loop", ["bad: non-zero", "bad is wrong", "ugly is wrong"]),
        ("hidden", "hide", ["no_log"]),
        ("lost", "fail to mend", ["not mended"]),
        ("ignored", "ignore", ["ignored"]),
    ],
)
def test_a_failure_carries_ansibles_message(
    everything: Told, host: str, task: str, messages: list[str]
) -> None:
    failures = [report for report in everything.of(host) if report.type is EventType.HOST_FAILED]
    assert failures[-1].task == task
    for message in messages:
        assert message in failures[-1].message


def test_a_host_ends_with_what_it_failed_of(everything: Told) -> None:
    last = everything.one(EventType.HOST_FINISHED, "shell")
    assert (last.task, last.data) == ("fail in a shell", {"state": "failed"})
    assert "red \ufffd error" in last.message
    refused = everything.one(EventType.HOST_FINISHED, "unreachable")
    assert "Connection refused" in refused.message
    assert refused.task == "look"


def test_a_failure_that_nothing_mends_is_final_at_once(everything: Told) -> None:
    for host in ("failed", "unreachable", "loop"):
        assert everything.types(host)[-2:] in (
            ["host.failed", "host.finished"],
            ["host.unreachable", "host.finished"],
        )
    order = [(report.type, report.host) for report in everything.reports]
    assert order.index((EventType.HOST_FINISHED, "failed")) < order.index(
        (EventType.HOST_CHANGED, "rescued")
    )


def test_a_failure_that_may_be_mended_is_not_final(everything: Told) -> None:
    for host in ("rescued", "ignored", "forgiven"):
        types = [type for type in everything.types(host) if type != "host.skipped"]
        assert types[-1] == "host.finished"
        assert {"host.failed", "host.unreachable"} & set(types[:-1]), host
        assert everything.types(host)[-2] not in {"host.failed", "host.unreachable"}


def test_what_no_log_hides_is_told_nobody(everything: Told) -> None:
    assert "hunter2" not in repr(everything.reports)
    assert "stranger" not in {report.host for report in everything.reports}


def test_exact_numbers_of_200_hosts_and_5_that_cannot_be_reached(stage: Stage) -> None:
    stage.host(*(f"host{number:03}" for number in range(200)))
    stage.unreachable(*(f"away{number}" for number in range(5)))
    stage.write(
        """
        - hosts: all
          gather_facts: false
          tasks:
            - ansible.builtin.ping:
              when: inventory_hostname is match('away')
            - ansible.builtin.debug: {msg: hello}
              changed_when: inventory_hostname is match('host01')
            - ansible.builtin.assert: {that: "inventory_hostname is not match('host1[23]')"}
        """
    )
    _, told = stage.run()
    assert told.counts() == Counter(ok=170, changed=10, failed=20, unreachable=5)
    # ssh has several words for it, by how far it got.
    messages = [told.one(EventType.HOST_FINISHED, f"away{number}").message for number in range(5)]
    assert all("ssh" in message for message in messages), messages
    assert all(
        "Assertion failed" in told.one(EventType.HOST_FINISHED, f"host12{number}").message
        for number in range(10)
    )


@pytest.mark.parametrize(
    ("playbook", "said"),
    [
        ("- hosts: all\n  tasks: [{debug: , fail: }]", "conflicting action"),
        ("- hosts: [", "YAML parsing failed"),
        ("- import_playbook: missing.yml", "missing.yml"),
    ],
)
def test_a_playbook_that_cannot_be_read_fails_every_host(
    stage: Stage, playbook: str, said: str
) -> None:
    stage.host("a", "b")
    stage.write(playbook)
    outcome, told = stage.run()
    assert said in outcome.message
    assert told.states() == {"a": "failed", "b": "failed"}
    assert all(said in report.message for report in told.reports)


def test_an_ansible_that_dies_fails_the_hosts_that_it_had_not_finished(stage: Stage) -> None:
    ready = stage.directory / "ready"
    stage.host("a", "b")
    stage.write(
        f"""
        - hosts: all
          gather_facts: false
          tasks:
            - ansible.builtin.fail: {{msg: before}}
              when: inventory_hostname == 'a'
            - ansible.builtin.shell: touch {ready}; sleep 86400
              when: inventory_hostname == 'b'
        """
    )
    told = Told()
    with running(stage, Held(), told) as result:
        until(ready.exists)
        min(playing(stage), key=psutil.Process.create_time).kill()
        until(lambda: result)
    outcome = result["outcome"]
    assert not outcome.interrupted
    assert outcome.message == "ansible-playbook was killed before its end"
    assert told.states() == {"a": "failed", "b": "failed"}
    assert told.one(EventType.HOST_FINISHED, "a").message == "before"
    assert told.one(EventType.HOST_FINISHED, "b").message == outcome.message


def playing(stage: Stage) -> list[psutil.Process]:
    """The processes of Ansible itself, without what watches it."""
    return [
        process
        for process in alive()
        if str(stage.private) in mark(process) and is_playing(process)
    ]


def test_a_batch_touches_its_own_hosts_alone(stage: Stage) -> None:
    names = ["web", "!web", "&db", "~other", "@file", "we*", "web.example.org"]
    stage.host(*names, "other", "wed")
    stage.write("- hosts: all\n  gather_facts: false\n  tasks: [{ansible.builtin.debug: }]")
    for name in names:
        _, told = stage.run(name)
        assert {report.host for report in told.reports} == {None, name}
        assert told.states() == {name: "ok"}, limit_pattern(name)


def test_a_host_that_is_done_is_not_touched_again(stage: Stage) -> None:
    stage.host("done", "open")
    stage.write("- hosts: all\n  gather_facts: false\n  tasks: [{ansible.builtin.debug: }]")
    done = RunHost(host_id="1", host="done", batch=0, state=HostState.FAILED)
    told = Told()
    open_ = RunHost(host_id="2", host="open", batch=0, state=HostState.RUNNING)
    stage.runner().run(stage.batch(hosts=[done, open_]), Held(), told)
    assert {report.host for report in told.reports} == {None, "open"}
    assert not stage.runner().run(stage.batch(hosts=[done]), Held(), told).interrupted
    assert told.states() == {"open": "ok"}


def test_check_and_tags_reach_ansible(stage: Stage, tmp_path: Path) -> None:
    stage.host("a")
    stage.write(
        """
        - hosts: all
          gather_facts: false
          tasks:
            - {ansible.builtin.command: "mkdir {{ place }}/one", tags: [one]}
            - {ansible.builtin.file: {path: "{{ place }}/two", state: directory}, tags: [two]}
            - {ansible.builtin.file: {path: "{{ place }}/three", state: directory}, tags: [three]}
        """
    )
    given = {"extra_vars": {"place": str(tmp_path)}, "tags": ["one", "two"]}
    _, told = stage.run(check=True, **given)
    assert told.states() == {"a": "changed"}
    assert not (tmp_path / "one").exists()
    assert not (tmp_path / "two").exists()
    stage.run(**given)
    assert [name for name in ("one", "two", "three") if (tmp_path / name).exists()] == [
        "one",
        "two",
    ]


def test_extra_variables_are_data_and_win(stage: Stage, tmp_path: Path) -> None:
    stage.host("a", word="weak")
    stage.write(
        """
        - hosts: all
          gather_facts: false
          tasks:
            - ansible.builtin.copy: {content: "{{ [word, deep] | to_json }}", dest: "{{ file }}"}
              vars: {word: weaker}
        """
    )
    template = "{{ lookup('pipe', 'id') }}"
    variables = {"word": template, "deep": {"x": [template, 1]}, "file": str(tmp_path / "said")}
    stage.run(extra_vars=variables)
    assert json.loads((tmp_path / "said").read_text()) == [template, {"x": [template, 1]}]


def test_nobody_waits_for_an_answer_to_a_prompt(stage: Stage) -> None:
    stage.host("a")
    stage.write(
        """
        - hosts: all
          gather_facts: false
          vars_prompt: [{name: word, prompt: say, default: nothing}]
          tasks:
            - ansible.builtin.pause: {prompt: press a key}
            - ansible.builtin.debug: {msg: "{{ word }}"}
        """
    )
    _, told = stage.run()
    assert told.one(EventType.HOST_FINISHED, "a").message == "nothing"
