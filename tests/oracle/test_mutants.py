"""Faults in resolution and rendering, made on purpose: the oracle must notice each of them."""

from __future__ import annotations

import dataclasses
import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from craton import jsontext
from craton.bundles import inventories, layout, precedence, rendering, script
from craton.bundles.groups import GroupGraph
from craton.bundles.layout import GroupTree
from craton.bundles.references import ReferencedFiles
from craton.errors import BackendFault
from craton.filters import HostFilters
from craton.jsontext import JsonValue
from craton.models import Group, Host, Region, Secret, Tenant
from tests.oracle import traps
from tests.oracle.judgement import Disagreement, judge
from tests.oracle.oracle import Oracle, Refused
from tests.oracle.regions import Fleet


def sorted_by(
    key: Callable[[GroupGraph, Group], Any],
) -> Callable[[GroupGraph, Iterable[str]], list[Group]]:
    def sort(self: GroupGraph, ids: Iterable[str]) -> list[Group]:
        return sorted((self.groups[id] for id in self.ancestors(ids)), key=lambda g: key(self, g))

    return sort


def depth_is_shortest(patch: pytest.MonkeyPatch) -> None:
    def shortest(self: GroupGraph, id: str) -> int:
        return 1 + min((shortest(self, parent) for parent in self.groups[id].parents), default=0)

    key = lambda self, g: (shortest(self, g.id), g.priority, g.name)  # noqa: E731
    patch.setattr(GroupGraph, "chain", sorted_by(key))


def depth_is_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(GroupGraph, "chain", sorted_by(lambda self, g: (g.priority, g.name)))


def priority_is_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(GroupGraph, "chain", sorted_by(lambda self, g: (self.depth(g.id), g.name)))


def priority_is_compared_before_depth(patch: pytest.MonkeyPatch) -> None:
    key = lambda self, g: (g.priority, self.depth(g.id), g.name)  # noqa: E731
    patch.setattr(GroupGraph, "chain", sorted_by(key))


def names_are_sorted_without_case(patch: pytest.MonkeyPatch) -> None:
    key = lambda self, g: (self.depth(g.id), g.priority, g.name.casefold())  # noqa: E731
    patch.setattr(GroupGraph, "chain", sorted_by(key))


def names_are_sorted_as_in_a_dictionary(patch: pytest.MonkeyPatch) -> None:
    def key(self: GroupGraph, group: Group) -> tuple[int, int, str]:
        return self.depth(group.id), group.priority, unicodedata.normalize("NFKD", group.name)

    patch.setattr(GroupGraph, "chain", sorted_by(key))


def negative_priority_is_not_written(patch: pytest.MonkeyPatch) -> None:
    placed = GroupTree._placed

    def node(self: GroupTree, group: Group) -> layout._Node:
        return placed(self, dataclasses.replace(group, priority=max(group.priority, 1)))

    patch.setattr(GroupTree, "_placed", node)


def region_is_overridden_by_tenant(patch: pytest.MonkeyPatch) -> None:
    init = precedence.Precedence.__init__

    def swapped(
        self: precedence.Precedence,
        tenant: Tenant,
        region: Region,
        graph: GroupGraph,
        files: ReferencedFiles,
    ) -> None:
        init(self, tenant, region, graph, files)
        self._base = region.variables.decode() | tenant.variables.decode()

    patch.setattr(precedence.Precedence, "__init__", swapped)


def tenant_is_written_behind_the_region(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        script,
        "_of_all",
        lambda p: rendering.as_object(
            rendering.rendered_members(p.region.variables, p.region.templated)
            | rendering.rendered_members(p.tenant.variables, p.tenant.templated)
        ).encode(),
    )


def dicts_are_merged(patch: pytest.MonkeyPatch) -> None:
    def merge(self: precedence.Precedence, groups: tuple[str, ...]) -> dict[str, JsonValue]:
        merged = dict(self._base)
        for group in self.graph.chain(groups):
            for name, value in self._of_group(group.id).items():
                before = merged.get(name)
                if isinstance(before, dict) and isinstance(value, dict):
                    merged[name] = before | value
                else:
                    merged[name] = value
        return merged

    patch.setattr(precedence.Precedence, "_merge", merge)


def fields_beat_own_variables(patch: pytest.MonkeyPatch) -> None:
    def rendered(host: Host, paths: Mapping[str, str]) -> str:
        return jsontext.dumps(host.variables.decode() | precedence.connection_variables(host))

    patch.setattr(inventories, "rendered_host", rendered)


def resolved_fields_beat_own_variables(patch: pytest.MonkeyPatch) -> None:
    def effective(
        self: precedence.Precedence, host: Host, secrets: Sequence[Secret] = ()
    ) -> dict[str, JsonValue]:
        own = host.variables.decode()
        return self._of_groups(host.groups) | own | precedence.connection_variables(host)

    patch.setattr(precedence.Precedence, "effective", effective)


def data_is_not_marked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rendering, "marked", lambda value: value)


def data_inside_of_lists_is_not_marked(patch: pytest.MonkeyPatch) -> None:
    marked = rendering.marked
    patch.setattr(
        rendering, "marked", lambda value: value if isinstance(value, list) else marked(value)
    )


def header_is_no_template(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rendering, "_HEADER_IN_TEXT", "\0")
    patch.setattr(rendering, "is_template", lambda text: any(m in text for m in ("{{", "{%", "{#")))


def statements_are_no_templates(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rendering, "_STATEMENT", "\0")


def templated_variables_are_marked_too(patch: pytest.MonkeyPatch) -> None:
    rendered = rendering.rendered_members
    for module in (rendering, script):
        patch.setattr(
            module, "rendered_members", lambda variables, templated: rendered(variables, ())
        )


def vault_values_are_marked_inside(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(jsontext, "is_vault", lambda value: False)


def keys_are_sorted(patch: pytest.MonkeyPatch) -> None:
    rendered = rendering.rendered_host

    def resorted(host: Host, paths: Mapping[str, str]) -> str:
        return json.dumps(json.loads(rendered(host, paths)), sort_keys=True)

    patch.setattr(inventories, "rendered_host", resorted)


def numbers_pass_through_floats(patch: pytest.MonkeyPatch) -> None:
    rendered = rendering.rendered_host

    def rounded(host: Host, paths: Mapping[str, str]) -> str:
        values = rendered(host, paths)
        return json.dumps(json.loads(values, parse_int=lambda digits: float(digits[:300])))

    patch.setattr(inventories, "rendered_host", rounded)


def group_variables_are_inline(patch: pytest.MonkeyPatch) -> None:
    placed, files = GroupTree._placed, layout.variable_files

    def node(self: GroupTree, group: Group) -> layout._Node:
        found = placed(self, group)
        head = found.head + b'"vars":%b,' % group.variables.text.encode()
        return found._replace(head=head)

    patch.setattr(GroupTree, "_placed", node)
    patch.setattr(inventories, "variable_files", lambda p, groups: files(p, ()))


def shadowed_group_gets_no_directory(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(layout, "_EXTENSIONS", ())


def ancestors_are_left_out(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(GroupGraph, "ancestors", lambda self, ids: set(ids))


def inactive_hosts_are_included(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(HostFilters, "only_active", lambda self: self)


def files_are_in_the_order_of_names(patch: pytest.MonkeyPatch) -> None:
    def files(hosts: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
        return ((f"{name}.json", content) for name, content in hosts)

    patch.setattr(inventories, "_ordered_by_file", files)


#: Each fault with the region that gives it away; without the fault, all of these regions pass.
MUTANTS: dict[Callable[[pytest.MonkeyPatch], None], Callable[[], Fleet]] = {
    depth_is_shortest: traps.diamond_with_a_long_side,
    depth_is_ignored: traps.parent_of_high_priority,
    priority_is_ignored: traps.priorities_at_one_depth,
    priority_is_compared_before_depth: traps.parent_of_high_priority,
    names_are_sorted_without_case: traps.names_at_one_depth,
    names_are_sorted_as_in_a_dictionary: traps.names_at_one_depth,
    negative_priority_is_not_written: traps.priorities_at_one_depth,
    region_is_overridden_by_tenant: traps.dicts_in_every_layer,
    tenant_is_written_behind_the_region: traps.dicts_in_every_layer,
    dicts_are_merged: traps.dicts_in_every_layer,
    fields_beat_own_variables: traps.fields_and_variables,
    resolved_fields_beat_own_variables: traps.fields_and_variables,
    data_is_not_marked: traps.data_that_looks_like_code,
    data_inside_of_lists_is_not_marked: traps.data_that_looks_like_code,
    header_is_no_template: traps.data_that_looks_like_code,
    statements_are_no_templates: traps.data_that_looks_like_code,
    templated_variables_are_marked_too: traps.data_that_looks_like_code,
    vault_values_are_marked_inside: traps.data_that_looks_like_code,
    keys_are_sorted: traps.values_of_every_type,
    numbers_pass_through_floats: traps.values_of_every_type,
    group_variables_are_inline: traps.parent_beats_all,
    shadowed_group_gets_no_directory: traps.groups_named_like_files,
    ancestors_are_left_out: traps.parent_beats_all,
    inactive_hosts_are_included: traps.inactive_host,
    files_are_in_the_order_of_names: traps.hosts_named_like_prefixes,
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_oracle_notices_when(
    mutant: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
    oracle: Oracle,
    tmp_path: Path,
) -> None:
    region = MUTANTS[mutant]()
    mutant(monkeypatch)
    with pytest.raises((Disagreement, Refused, BackendFault)):
        judge(region, oracle, tmp_path)
