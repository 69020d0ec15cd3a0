"""What is read in a file is what ``ansible-inventory`` shows of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from craton.references import variables_of

FILES = {
    "plain": "a: 1\nb: text\nc: [1, two, 3.5, true, null]\nd: {x: {y: z}}\n",
    "integers": "a: 0123\nb: 0x1F\nc: 1_000\nd: 12:30:45\ne: -0\nf: 0b11\ng: 08\nh: +1\n"
    "i: 123456789012345678901234567890\n",
    "floats": "a: 1e5\nb: 1.0e+5\nc: .5\nd: 1.\ne: 0.0\nf: -0.0\ng: 1_0.5\nh: 1:30.5\n",
    "words": "a: yes\nb: No\nc: on\nd: OFF\ne: y\nf: ~\ng: Null\nh: ''\ni:\nj: True\nk: truE\n",
    "dates": "a: 2026-11-22\nb: 2026-11-22T10:11:12Z\nc: 2026-11-22 10:11:12.5 +01:00\n"
    "d: 2026-11-22 10:11:12\ne: '2026-11-22'\nf: 2026-1-2\n",
    "tags": "a: !!str 123\nb: !!int '7'\nc: !!float 1\nd: !!bool 'yes'\ne: !!null ''\n"
    "f: !!map {x: 1}\ng: !!seq [1]\nh: ! 12\n",
    "unsafe": "a: !unsafe '{{ b }}'\nb: !unsafe 12\nc: !unsafe [1, '{{ x }}']\n"
    "d: !unsafe {x: '{% y %}'}\ne: !unsafe '12'\n",
    "text": 'a: |\n  one\n  two\n\nb: >-\n  one\n  two\nc: "\\u00e9\\U0001f600\\x41\\t"\n'
    "d: 'it''s'\ne: \"a\\\n  b\"\nf: \u00e9 x\ng: \" \\N \"\n",
    "merge": "base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\na: {<<: *b, y: 9}\n"
    "b: {<<: [*b, *m]}\nc: {<<: [*m, *b], w: 0}\nd: &d {<<: *b, q: 1}\ne: {q: 2, <<: *d}\n"
    "f: {x: 3, <<: [*m, *d]}\n",
    "merge_top": "base: &b {x: 1}\n<<: *b\ny: 2\n",
    "anchors": "a: &a [1, &x two]\nb: *a\nc: *x\n",
    "equals": "a: {=: 1, b: 2}\n",
    "json": '{"a": 1e5, "b": 1.0, "c": "\\ud83d\\ude00", "d": [true, null], "e": {"": {"-": 1}}}',
    "json_unsafe": '{"a": {"__ansible_unsafe": "{{ x }}"}, "b": [{"__ansible_unsafe": "y"}]}',
    "flow": "{a: 1, b: [x, y], c: 1e5}",
    "vault": "a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n"
    "b: [!vault-encrypted '$ANSIBLE_VAULT;1']\n",
    "bom": "\ufeffa: 1\n",
    "comment": "# nothing\n",
    "directives": "%YAML 1.1\n---\na: 1\n...\n",
}


def unmarked(value: dict[str, object]) -> object:
    """The mark tells how Ansible will treat a value; which one it is stands below."""
    return value["__ansible_unsafe"] if value.keys() == {"__ansible_unsafe"} else value


def test_every_value_is_the_one_that_ansible_shows(tmp_path: Path) -> None:
    hosts = {"all": {"children": {name: {"hosts": {f"h-{name}": None}} for name in FILES}}}
    (tmp_path / "hosts").write_text(json.dumps(hosts))
    for name, text in FILES.items():
        directory = tmp_path / "group_vars" / name
        directory.mkdir(parents=True)
        (directory / "1-reference.yml").write_text(text, encoding="utf-8")
    (tmp_path / "ansible.cfg").touch()
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-inventory"), "-i", "hosts", "--list"],
        cwd=tmp_path,
        env=os.environ
        | {
            "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
            "ANSIBLE_INVENTORY_ENABLED": "yaml",
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
            "ANSIBLE_DEPRECATION_WARNINGS": "0",
            "HOME": str(tmp_path),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout, object_hook=unmarked)["_meta"]["hostvars"]
    for name, text in FILES.items():
        expected = shown.get(f"h-{name}", {})
        found = variables_of(text.encode(), "https://example.org/")
        # As texts, so that 1 is not 1.0; Ansible sorts the keys that it shows.
        texts = [json.dumps(value, sort_keys=True) for value in (found, expected)]
        assert texts[0] == texts[1], name
