"""What stands in requests: names, values, filters, documents, each often right and often not."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from craton.names import RESERVED_VARIABLES

#: Characters with which something went wrong somewhere: directions, joiners, ends of lines, marks.
_ODD = "\u202e\u2066\u200d\ufeff\u0301\u2028\x85\x7f\t\n\r\"'`$%&+;,:[]{}()<>|\\~#?=@!*\U0001f600éß"

texts = st.one_of(
    st.text(max_size=12),
    st.text(alphabet=_ODD, max_size=8),
    st.text(alphabet="ab.-_:/%20", max_size=10),
)

#: What is there, is nearly there, means something to Ansible or to a file system, or is too long.
known = st.sampled_from(
    ["t", "r", "r2", "site", "web", "db", "h1", "h2", "h3", "s", "web1", "north", "nothing"]
)
names = st.one_of(
    known,
    known,
    texts,
    st.sampled_from(
        [".", "..", "all", "ungrouped", "_meta", "a[1:3]", "{{ a }}", "{% a %}", "web1:22", "::1",
         "a/b", "a\\b", "__ansible_x", " a", "a ", "x" * 250, "x" * 251, "é" * 126, "localhost",
         "İ", "ﬀ", "\u202eab", "a\u0000", "index", "__class__"]
    ),
)  # fmt: skip
variables = st.one_of(
    st.sampled_from(["colour", "list", "a", "b", "_", "A1", "ansible_host", "ansible_port"]),
    st.sampled_from(sorted(RESERVED_VARIABLES)),
    st.sampled_from(["a-b", "", "1a", "é", "x" * 251]),
    names,
)

_numbers = st.one_of(
    st.integers(-3, 70_000),
    st.sampled_from([2**31, 2**53, 2**63, 2**64, -(2**63) - 1, 10**400]),
    st.floats(allow_nan=False, allow_infinity=False),
)
scalars = st.one_of(st.none(), st.booleans(), _numbers, texts, known)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(names, inner, max_size=3),
        st.fixed_dictionaries({"__ansible_vault": inner}),
        st.fixed_dictionaries({"__ansible_unsafe": inner}),
    ),
    max_leaves=6,
)
objects = st.dictionaries(variables, values, max_size=4)

#: Texts that JSON parsers disagree about.
_TRAPS = st.sampled_from(
    ["", " ", "{", '{"a": 1, "a": 2}', "NaN", "[Infinity]", "1e999", "-0",
     '"\\ud800"', '{"\\u0000":1}',
     "\ufeff{}", "[" * 70 + "]" * 70, '{"a":' * 70 + "1" + "}" * 70, "9" * 4400, "nul", "[1,]",
     "'a'", "01", "1.", '"\n"', "{}{}", "[]", "null", '"a"']
)  # fmt: skip
traps = _TRAPS.map(lambda text: text.encode())
raw = st.one_of(traps, st.binary(max_size=20), st.sampled_from([b"\xff", b"\xef\xbb\xbf{}", b"\0"]))


def encoded(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """Write what a strategy makes as JSON, or now and then what is none."""
    dumped = strategy.map(lambda value: json.dumps(value).encode())
    cut = st.tuples(dumped, st.integers(0, 30)).map(lambda pair: pair[0][: -pair[1] or None])
    return st.one_of(dumped, dumped, dumped, dumped, cut, raw)


# -- the filter on variables -------------------------------------------------------------------

_step = st.one_of(
    st.sampled_from(["key", "0", "-1", "00", "", "\\.", "\\:", "\\\\", "\\x", "\\", "a b"]), texts
)
_wanted = st.one_of(_TRAPS, texts, values.map(json.dumps))
filters = st.one_of(
    st.builds(
        lambda name, steps, colon, value: f"{'.'.join([name, *steps])}{colon}{value}",
        variables,
        st.lists(_step, max_size=4),
        st.sampled_from([":", ":", ":", "", "::", "=", "."]),
        _wanted,
    ),
    texts,
)


# -- entities and what is made of them ---------------------------------------------------------

_links = st.one_of(st.lists(known, max_size=3), values)
_fields: dict[str, st.SearchStrategy[Any]] = {
    "name": names,
    "variables": st.one_of(objects, values),
    "templated": st.one_of(st.lists(variables, max_size=2), values),
    "groups": _links,
    "parents": _links,
    "priority": scalars,
    "active": scalars,
    "ip_address": st.one_of(
        st.sampled_from(["192.0.2.7", "::1", "::ffff:1.2.3.4", "1.2.3.4%eth0", "fe80::1%1"]),
        scalars,
    ),
    "ssh_port": scalars,
    "ssh_user": scalars,
    "asset_id": scalars,
    "customer": scalars,
    "project_id": scalars,
    "description": scalars,
    "url": st.one_of(
        st.sampled_from(["https://a.invalid/x.yml", "https://", "git+https://a.invalid/x#y", "file:///"]),
        texts,
    ),
    "sha256": st.one_of(st.just("0" * 64), scalars),
    "format": scalars,
    "variable": st.one_of(variables, scalars),
    "id": scalars,
    "region_id": st.one_of(known, scalars),
    "revision": scalars,
    "created_at": scalars,
    "owner_id": known,
    "colour": scalars,
}  # fmt: skip


def entity(fields: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """Make an entity of some fields; mostly with a name, at times with what it has not."""
    some = st.fixed_dictionaries(
        {}, optional={name: _fields[name] for name in (*fields, "id", "revision", "colour")}
    )
    named = st.builds(lambda one, name: {**one, "name": name}, some, names)
    return st.one_of(named, named, named, some, values)


OF_KIND = {
    "tenants": ("variables", "templated", "customer", "project_id", "description"),
    "regions": ("variables", "templated", "description"),
    "hosts": ("variables", "templated", "groups", "active", "ip_address", "ssh_port", "ssh_user",
              "asset_id", "region_id", "created_at"),
    "groups": ("variables", "templated", "parents", "priority", "region_id"),
    "references": ("url", "sha256", "owner_id"),
    "secrets": ("format", "variable"),
}  # fmt: skip

_change = st.fixed_dictionaries(
    {"op": st.sampled_from(["create", "create", "replace", "delete", "x"])},
    optional={
        "kind": st.sampled_from(["host", "group", "reference", "region", "x"]),
        "value": st.one_of(*(entity(OF_KIND[kind]) for kind in ("hosts", "groups", "references"))),
        "id": st.one_of(known, scalars),
        "if_revision": scalars,
        "cascade": scalars,
    },
)
batches = st.one_of(
    st.fixed_dictionaries({"changes": st.lists(_change, max_size=4)}),
    st.fixed_dictionaries({"changes": values}),
    values,
)

runs = st.one_of(
    st.fixed_dictionaries(
        {"origin": st.sampled_from(["conductor", "report", "x"])},
        optional={
            "playbook": st.one_of(st.sampled_from(["site.yml", "../x.yml", "/x", "a\\b"]), texts),
            "filters": st.one_of(st.dictionaries(names, values, max_size=2), values),
            "extra_vars": st.one_of(objects, values),
            "check": scalars,
            "tags": values,
            "batch_size": scalars,
            "forks": scalars,
            "hosts": values,
        },
    ),
    values,
)

# -- what ansible-inventory exports --------------------------------------------------------------

_members = st.one_of(st.lists(names, max_size=4), values)
_group = st.one_of(
    st.fixed_dictionaries(
        {}, optional={"hosts": _members, "children": _members, "vars": st.one_of(objects, values)}
    ),
    values,
)
_host_variables = st.one_of(
    objects,
    st.fixed_dictionaries(
        {}, optional={"ansible_host": scalars, "ansible_port": scalars, "ansible_user": scalars}
    ),
    values,
)
_meta = st.one_of(
    st.fixed_dictionaries({"hostvars": st.dictionaries(names, _host_variables, max_size=3)}),
    st.fixed_dictionaries({"hostvars": values, "profile": st.just("inventory_legacy")}),
    values,
)
exports = st.one_of(
    st.builds(
        lambda all_, groups, meta: {**groups, "all": all_, "_meta": meta},
        _group,
        st.dictionaries(names, _group, max_size=4),
        _meta,
    ),
    st.dictionaries(names, _group, max_size=4),
    values,
)
