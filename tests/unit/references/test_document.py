"""What is read in a referenced file, and what is refused."""

from __future__ import annotations

import pytest

from craton.errors import ReferenceMalformed
from craton.references import variables_of

URL = "https://example.org/vars.yml?token=s3cret"


@pytest.mark.parametrize(
    ("content", "variables"),
    [
        (b"", {}),
        (b"# nothing but a comment\n", {}),
        (b"---\n", {}),
        (b"null", {}),
        (b"{}", {}),
        (b"a: 1\nb: [x, null, {c: 1.5}]\n", {"a": 1, "b": ["x", None, {"c": 1.5}]}),
        (b"\xef\xbb\xbfa: 1\n", {"a": 1}),
        (b"a: !unsafe '{{ b }}'\n", {"a": "{{ b }}"}),
        (b"a: '{{ b }}'\n", {"a": "{{ b }}"}),
        (b'{"a": 1e3, "b": "\\ud83d\\ude00"}', {"a": 1000.0, "b": "\U0001f600"}),
        (b'{"a": {"__ansible_unsafe": "{{ b }}"}}', {"a": "{{ b }}"}),
        (b"{a: 1, b: yes}", {"a": 1, "b": True}),
        (
            b"b: &b {x: 1, y: 2}\na: {<<: *b, y: 3}\n",
            {"a": {"x": 1, "y": 3}, "b": {"x": 1, "y": 2}},
        ),
    ],
)
def test_variables_are_read(content: bytes, variables: dict[str, object]) -> None:
    assert variables_of(content, URL) == variables


def test_a_vault_value_stays_closed() -> None:
    content = b"a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n"
    closed = {"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\n6162\n"}
    assert variables_of(content, URL) == {"a": closed}


def doubling(levels: int, line: str) -> bytes:
    """A file in which each line holds the one before it several times."""
    lines = ["a0: &a0 [x]"] + [line.format(n=n, m=n - 1) for n in range(1, levels)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"a: !!python/object/apply:os.system [id]", "tag", id="python"),
        pytest.param(b"a: !!python/name:os.system", "tag", id="python-name"),
        pytest.param(b"a: !!python/unicode x", "tag", id="python-unicode"),
        pytest.param(b"a: !ENV x", "tag '!ENV'", id="tag"),
        pytest.param(b"a: !<tag:example.org,2026:x> x", "tag", id="tag-uri"),
        pytest.param(b"!x {a: 1}", "tag", id="tag-of-all"),
        pytest.param(b"a: !!binary aGk=", "tag", id="binary"),
        pytest.param(b"a: !!set {x, y}", "tag", id="set"),
        pytest.param(b"a: !!omap [{x: 1}]", "tag", id="omap"),
        pytest.param(b"a: !!pairs [{x: 1}]", "tag", id="pairs"),
        pytest.param(b"a: !!map x", "tag", id="map-of-text"),
        pytest.param(b"a: !!str {x: 1}", "tag", id="text-of-map"),
        pytest.param(b"a: !!int nine", "no int", id="int"),
        pytest.param(b"a: 2026-13-45", "no timestamp", id="date"),
        pytest.param(b"a: !vault [x]", "not text", id="vault-list"),
        pytest.param(b"a: !vault x", "whole vault value", id="vault-without-header"),
        pytest.param(b"a: {__ansible_vault: $ANSIBLE_VAULT;1}", "means something", id="vault-key"),
        pytest.param(b"a: {__ansible_unsafe: x}", "means something", id="unsafe-key"),
        pytest.param(b'{"a": {"__ansible_vault": "x"}}', "vault value", id="json-vault"),
        pytest.param(b'{"a": {"__ansible_type": "x"}}', "__ansible", id="json-marker"),
        pytest.param(b"$ANSIBLE_VAULT;1.1;AES256\n6162\n", "as a whole", id="vault-file"),
        pytest.param(b"1: a", "not text", id="key-number"),
        pytest.param(b"yes: a", "not text", id="key-bool"),
        pytest.param(b"~: a", "not text", id="key-null"),
        pytest.param(b"a: {1: x}", "not text", id="key-below"),
        pytest.param(b"? [a]\n: b", "not text", id="key-list"),
        pytest.param(b"a-b: 1", "ASCII letters", id="key-dash"),
        pytest.param("é: 1".encode(), "ASCII letters", id="key-accent"),
        pytest.param(b"'': 1", "ASCII letters", id="key-empty"),
        pytest.param(b"hostvars: 1", "keeps for itself", id="key-reserved"),
        pytest.param(b"ansible_group_priority: 1", "priority", id="key-priority"),
        pytest.param(b"a: 1\na: 2", "repeats the key 'a'", id="repeated"),
        pytest.param(b"a: {b: 1, b: 2}", "repeats the key 'b'", id="repeated-below"),
        pytest.param(b'{"a": 1, "a": 2}', "repeat the key 'a'", id="repeated-json"),
        pytest.param(b"[a, b]", "mapping", id="list"),
        pytest.param(b"text", "mapping", id="text"),
        pytest.param(b"0", "mapping", id="number"),
        pytest.param(b"a: 1\n---\nb: 2\n", "not YAML", id="two-documents"),
        pytest.param(b"a: [1", "not YAML", id="broken"),
        pytest.param(b"a: b: c", "not YAML", id="broken-mapping"),
        pytest.param(b"a: *nowhere", "not YAML", id="no-anchor"),
        pytest.param(b"\ta: 1", "not YAML", id="tab"),
        pytest.param(b"a: \xff", "UTF-8", id="latin"),
        pytest.param("a: 1".encode("utf-16"), "UTF-8", id="utf-16"),
        pytest.param(b"a: x\0y", "not YAML", id="nul"),
        pytest.param(b'a: "x\\0y"', "NUL", id="nul-escaped"),
        pytest.param(b'a: "\\ud800"', "surrogate|not YAML", id="surrogate"),
        pytest.param(b"a: .nan", "finite", id="nan"),
        pytest.param(b"a: 1.0e+999", "finite", id="infinite"),
        pytest.param(b'{"a": NaN}', "JSON", id="json-nan"),
        pytest.param(b"a: " + b"9" * 5000, "digits", id="digits"),
        pytest.param(b"a: 0x" + b"f" * 4200, "digits", id="hexadecimal-digits"),
        pytest.param(b"a: " + b":".join([b"59"] * 1700), "digits", id="sexagesimal"),
        pytest.param(b"a: =", "tag", id="equals"),
        pytest.param(b"a: <<", "tag", id="merge-sign"),
        pytest.param(b"a: " + b"[" * 70 + b"]" * 70, "nests deeper", id="deep"),
        pytest.param(b"a: " + b"[" * 200_000, "nests deeper|not YAML", id="very-deep"),
        pytest.param(b"a: " + b"{a: " * 200_000, "nests deeper|not YAML", id="very-deep-maps"),
        pytest.param(b"- " * 100_000, "nests deeper|not YAML", id="very-deep-blocks"),
        pytest.param(b'{"a": ' + b"[" * 200_000, "nests deeper|not YAML", id="very-deep-json"),
        pytest.param(b'{"a": ' + b"[" * 70 + b"]" * 70 + b"}", "nest", id="deep-json"),
        pytest.param(b"a: &a [*a]", "nests deeper|recursive", id="recursive"),
        pytest.param(b"a: &a\n  <<: *a\n", "nests deeper|recursive", id="recursive-merge"),
        pytest.param(doubling(40, "a{n}: &a{n} [*a{m}, *a{m}]"), "grows", id="aliases"),
        pytest.param(doubling(70, "a{n}: &a{n} [*a{m}]"), "nests deeper", id="alias-depth"),
        pytest.param(b"a: {<<: x}", "merges", id="merge-text"),
        pytest.param(b"a: &a {}\nb: {<<: *a, <<: *a}", "repeats the key '<<'", id="merge-twice"),
        pytest.param(b"a: !!merge x", "tag", id="merge-value"),
    ],
)
def test_what_ansible_would_not_take_as_it_looks_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ReferenceMalformed, match=reason) as caught:
        variables_of(content, URL)
    assert caught.value.url == "https://example.org/vars.yml?…"
    assert "s3cret" not in str(caught.value)


def test_merges_that_would_multiply_do_not() -> None:
    lines = ["a0: &a0 {" + ", ".join(f"k{n}: 1" for n in range(100)) + "}"]
    lines += [f"a{n}: &a{n} {{<<: [" + f"*a{n - 1}, " * 9 + f"*a{n - 1}]}}" for n in range(1, 12)]
    with pytest.raises(ReferenceMalformed, match="grows"):
        variables_of("\n".join(lines).encode(), URL)


def test_a_file_of_aliases_that_people_write_is_read() -> None:
    content = b"x: &x {a: 1, b: 2}\n" + b"".join(
        b"host%d:\n  <<: *x\n  port: %d\n" % (n, n) for n in range(50)
    )
    variables = variables_of(content, URL)
    assert variables["host7"] == {"a": 1, "b": 2, "port": 7}
