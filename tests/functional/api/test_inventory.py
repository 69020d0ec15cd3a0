"""Bundles out, exports in."""

from __future__ import annotations

import gc
import gzip
import io
import json
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from craton.bundles import Format, Spool
from craton.driver import InventoryDriver
from tests.functional.api.client import Client
from tests.functional.api.conftest import Paths

ENDINGS = {"tgz": "application/gzip", "zip": "application/zip", "json": "application/json"}


def members(answer: Any, ending: str) -> dict[str, bytes]:
    """Return what an archive holds, by name."""
    if ending == "zip":
        zipped = zipfile.ZipFile(io.BytesIO(answer.body))
        return {name: zipped.read(name) for name in zipped.namelist()}
    with tarfile.open(fileobj=io.BytesIO(answer.body)) as archive:
        return {name: archive.extractfile(name).read() for name in archive.getnames()}  # type: ignore[union-attr]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_region_is_downloaded(api: Client, paths: Paths, ending: str) -> None:
    group = paths.group("g", variables={"a": 1})["id"]
    paths.host("h", groups=[group], variables={"b": "{{ x }}"})
    answer = api.get(f"{paths.inventory}.{ending}")
    assert answer.content_type == ENDINGS[ending]
    assert answer.headers["ETag"]
    if ending == "json":
        assert answer.json["_meta"]["hostvars"].keys() == {"h"}
    else:
        found = members(answer, ending)
        assert {"inventory/h.json", "manifest.json"} <= found.keys()
        assert json.loads(found["manifest.json"])["target"] == "taskflow"


def test_both_archives_hold_the_same(api: Client, paths: Paths) -> None:
    paths.host("h", variables={"a": 1})
    for target in ("taskflow", "ansible"):
        tgz, zipped = (
            members(api.get(f"{paths.inventory}.{ending}?target={target}"), ending)
            for ending in ("tgz", "zip")
        )
        assert tgz == zipped
        assert json.loads(tgz["manifest.json"])["target"] == target


def test_filters_choose_the_hosts(api: Client, paths: Paths) -> None:
    paths.host("a", variables={"x": 1})
    paths.host("b", active=False)
    paths.host("c")
    for query, found in {
        "": {"a", "c"},
        "?name=a&name=b": {"a"},
        "?active=true&active=false": {"a", "b", "c"},
        "?vars=x:1": {"a"},
        "?name=nobody": set(),
        "?secrets=omit": {"a", "c"},
        "?secrets=include&active=false": {"b"},
    }.items():
        answer = api.get(f"{paths.inventory}.json{query}").json
        assert answer["_meta"]["hostvars"].keys() == found, query


@pytest.mark.parametrize("ending", ENDINGS)
def test_who_has_it_gets_304_until_something_changes(
    api: Client, paths: Paths, ending: str
) -> None:
    host = paths.host("h")
    path = f"{paths.inventory}.{ending}"
    first = api.get(path)
    tag = first.headers["ETag"]
    not_modified = api.get(path, 304, If_None_Match=f'"x", {tag}')
    assert (not_modified.body, not_modified.headers["ETag"]) == (b"", tag)
    assert api.get(path).body == first.body
    api.patch(f"{paths.hosts}/{host['id']}", {"ssh_port": 22})
    second = api.get(path, If_None_Match=tag)
    assert second.headers["ETag"] != tag
    assert second.body != first.body


def test_no_two_forms_of_a_region_share_a_tag(api: Client, paths: Paths) -> None:
    paths.host("h")
    tags = [
        api.get(f"{paths.inventory}.{form}").headers["ETag"]
        for form in ("tgz", "zip", "json", "tgz?target=ansible", "tgz?name=h", "zip?name=h")
    ]
    assert len(set(tags)) == len(tags)


def test_304_and_head_make_no_bundle(
    api: Client, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{paths.inventory}.tgz"
    tag = api.get(path).headers["ETag"]

    def fail(*args: object) -> None:
        raise AssertionError("a spool was made")

    monkeypatch.setattr(Spool, "__init__", fail)
    api.get(path, 304, If_None_Match=tag)
    head = api.request("HEAD", path)
    assert (head.status_int, head.headers["ETag"], head.body) == (200, tag, b"")
    assert head.content_type == "application/gzip"


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("north", "north"),
        ("a b/c", "a_b_c"),
        ('x"; filename="evil', "x_filename_evil"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("Zürich", "Z_rich"),
        ("\U0001d4b3", "_"),
    ],
)
def test_the_proposed_file_name_is_harmless(
    api: Client, paths: Paths, name: str, plain: str
) -> None:
    region = api.post(f"/v1/regions/{paths.tenant}", {"name": name}).json if name != "north" else {
        "id": paths.region
    }  # fmt: skip
    header = api.get(f"/v1/inventory/{region['id']}.zip").headers["Content-Disposition"]
    assert header.startswith(f'attachment; filename="{plain}.zip"; ')
    assert header.isascii()


def test_what_a_bundle_does_not_know_is_refused(api: Client, paths: Paths) -> None:
    for ending in ENDINGS:
        for query in ("target=tower", "secrets=maybe", "colour=red", "group=nothing", "limit=1",
                      "target=ansible&target=ansible", "active=1", "target="):  # fmt: skip
            answer = api.get(f"{paths.inventory}.{ending}?{query}", 400).json
            assert answer["parameter"] == query.split("=")[0]
    assert api.get(f"{paths.inventory}.json?target=ansible", 400).json["parameter"] == "target"
    assert api.get("/v1/inventory/nothing.tgz", 404).json["kind"] == "region"
    assert api.get(f"{paths.inventory}.rar", 405).headers["Allow"] == "POST"
    assert api.post(f"{paths.inventory}.tgz", {}, 405).headers["Allow"] == "GET, HEAD"


def test_a_bundle_is_not_held_in_memory(api: Client, paths: Paths) -> None:
    noise = "".join(chr(0x20 + number * 7919 % 95) for number in range(200_000))
    for number in range(20):
        paths.host(f"h{number}", variables={"noise": f"{number}{noise}"})
    seen = 0
    tracemalloc.start()
    try:
        answer = api.begin(f"{paths.inventory}.zip")
        gc.collect()
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        for piece in answer:
            seen += len(piece)
        peak = tracemalloc.get_traced_memory()[1] - before
        answer.close()
    finally:
        tracemalloc.stop()
    assert seen > 0
    assert peak < 2_000_000, "4 MB of variables passed through"


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_client_that_stops_reading_leaves_nothing_behind(
    api: Client, paths: Paths, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.host("h")
    spools: list[Spool] = []
    close = Spool.close

    def noting(spool: Spool) -> None:
        spools.append(spool)
        close(spool)

    monkeypatch.setattr(Spool, "close", noting)
    answer = api.begin(f"{paths.inventory}.{ending}")
    next(iter(answer))
    assert spools == []
    answer.close()
    assert len(spools) == 1


@pytest.mark.parametrize("ending", ["tgz", "zip"])
def test_a_fault_on_the_way_reaches_the_server(
    api: Client, paths: Paths, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.host("h", variables={"a": 1})

    archive = Spool.archive

    def broken(self: Spool, form: Format) -> Iterator[bytes]:
        yield next(archive(self, form))
        raise OSError("the disk is gone")

    monkeypatch.setattr(Spool, "archive", broken)
    answer = api.begin(f"{paths.inventory}.{ending}")
    with pytest.raises(OSError, match="the disk is gone"):
        list(answer)
    answer.close()


def test_a_slow_client_holds_nothing_in_the_store(
    api: Client, paths: Paths, driver: InventoryDriver
) -> None:
    paths.host("h")
    answer = api.begin(f"{paths.inventory}.tgz")
    paths.host("later")
    api.delete(f"/v1/tenants/{paths.tenant}?cascade=true")
    body = b"".join(answer)
    answer.close()
    assert b"h.json" in gzip.decompress(body)
    assert b"later.json" not in gzip.decompress(body)


# -- import -------------------------------------------------------------------------------------

EXPORT = {
    "_meta": {"hostvars": {"h1": {"ansible_host": "10.0.0.1", "x": 1}, "h2": {}}},
    "all": {"children": ["ungrouped", "web"], "vars": {"r": 1}},
    "web": {"hosts": ["h1"], "vars": {"w": [1.0, None]}, "children": ["sub"]},
    "sub": {"hosts": ["h2"]},
}
NOTHING = {"groups": 0, "hosts": 0}


def test_an_export_is_imported(api: Client, paths: Paths) -> None:
    report = api.post(paths.inventory, EXPORT, 200).json
    assert report == {
        "created": {"groups": 2, "hosts": 2},
        "updated": NOTHING,
        "deleted": NOTHING,
        "unchanged": NOTHING,
    }
    (host,) = api.get(f"{paths.hosts}?name=h1&variables=true").json["hosts"]
    assert (host["ip_address"], host["variables"]) == ("10.0.0.1", {"x": 1})
    assert api.get(f"/v1/regions/{paths.tenant}/{paths.region}/variables").json == {"r": 1}
    again = api.post(paths.inventory, EXPORT, 200).json
    assert again["unchanged"] == {"groups": 2, "hosts": 2}


def test_a_dry_run_counts_and_writes_nothing(
    api: Client, paths: Paths, state: Callable[[], list[str]]
) -> None:
    before = state()
    assert api.post(f"{paths.inventory}?dry_run=true", EXPORT, 200).json["created"]["hosts"] == 2
    assert state() == before


def test_replace_deletes_no_more_than_expected(
    api: Client, paths: Paths, state: Callable[[], list[str]]
) -> None:
    api.post(paths.inventory, EXPORT, 200)
    before = state()
    empty: dict[str, Any] = {"_meta": {"hostvars": {}}, "all": {"children": ["ungrouped"]}}
    query = "mode=replace&expect_max_deletes=3"
    answer = api.post(f"{paths.inventory}?{query}", empty, 409).json
    assert (answer["code"], answer["deletions"]) == ("too_many_deletions", 4)
    assert state() == before
    assert api.post(paths.inventory, empty, 200).json["deleted"] == NOTHING
    answer = api.post(f"{paths.inventory}?mode=replace&expect_max_deletes=4", empty, 200).json
    assert answer["deleted"] == {"groups": 2, "hosts": 2}


def test_a_document_that_is_wrong_names_the_place(
    api: Client, paths: Paths, state: Callable[[], list[str]]
) -> None:
    before = state()
    bad_name = {"_meta": {"hostvars": {"h": {"a-b": 1}}}, "web": {"hosts": ["h"]}}
    document: object
    for document in ([], 5, {"all": []}, {"web": {"hosts": "h"}}, bad_name):
        answer = api.post(paths.inventory, document, 400).json
        assert answer["code"] == "invalid_value"
        assert answer["field"]
    for query in ("mode=add", "mode=", "dry_run=1", "expect_max_deletes=-1", "force=true",
                  "expect_max_deletes=x", "mode=merge&mode=merge"):  # fmt: skip
        answer = api.post(f"{paths.inventory}?{query}", EXPORT, 400).json
        assert answer["parameter"] == query.split("=")[0]
    assert api.post("/v1/inventory/nothing", EXPORT, 404).json["kind"] == "region"
    assert state() == before


def test_an_import_has_a_limit_of_its_own(configured: Callable[..., Client], paths: Paths) -> None:
    small = configured(max_body_bytes=1024, max_import_bytes=2048)
    big = {**EXPORT, "_meta": {"hostvars": {"h1": {"x": "x" * 1500}}}}
    small.post(paths.inventory, big, 200)
    answer = small.post(paths.inventory, {**EXPORT, "x": "x" * 2048}, 413).json
    assert (answer["code"], answer["limit"]) == ("too_large", 2048)


def test_what_was_imported_comes_out_again(api: Client, paths: Paths) -> None:
    api.post(paths.inventory, EXPORT, 200)
    script = api.get(f"{paths.inventory}.json").json
    assert script["_meta"]["hostvars"]["h1"]["ansible_host"] == "10.0.0.1"
    assert api.post(paths.inventory, script, 200).json["unchanged"] == {"groups": 2, "hosts": 2}
