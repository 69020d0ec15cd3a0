"""References of regions and groups: their routes, and what they bring into bundles."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from craton.driver import InventoryDriver
from craton.models import GroupReference, RegionReference
from tests.functional.api.client import Client
from tests.functional.api.conftest import Paths
from tests.services import tls

WEB = b"# of web\nport: 8080\nrelease: '{{ channel }}'\nquoted: !unsafe '{{ x }}'\nntp: web\n"
ALL = b"ntp: time.example\nchannel: stable\n"


class Files:
    """A server of files that can be changed."""

    def __init__(self, server: tls.Server) -> None:
        self.server = server
        self.url = server.url
        self.contents: dict[str, bytes] = {"/web.yml": WEB, "/all.yml": ALL}
        self.status = 200
        server.answer(self.give)

    def give(self, request: tls.Request) -> None:
        content = self.contents.get(request.path)
        if self.status != 200 or content is None:
            request.send(b"no", status=404 if content is None else self.status)
            return
        tag = f'"{hashlib.sha256(content).hexdigest()}"'
        if request.headers.get("If-None-Match") == tag:
            request.send(status=304)
        else:
            request.send(content, headers={"ETag": tag})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tls.Authority:
    return tls.Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def files(authority: tls.Authority) -> Iterator[Files]:
    with tls.started(authority) as server:
        yield Files(server)


@pytest.fixture
def api(configured: Callable[..., Client], authority: tls.Authority) -> Client:
    return configured(trusting(authority))


def trusting(authority: tls.Authority, **options: object) -> dict[str, object]:
    """Options for references that may speak to the server and ask it every time."""
    known = {"ca_file": authority.file, "allow": "localhost", "max_age": 0, "timeout": 5}
    return {**known, **options}


@pytest.fixture
def web(paths: Paths) -> str:
    """The id of a group with one host."""
    group: str = paths.group("web", variables={"ntp": "own"})["id"]
    paths.host("web1", groups=[group], variables={"a": 1})
    return group


def refer(api: Client, owner: str, url: str, name: str = "site", **fields: Any) -> str:
    made = api.post(f"/v1/references/{owner}", {"name": name, "url": url, **fields})
    return f"/v1/references/{owner}/{made.json['id']}"


def members(answer: Any) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(answer.body)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]


class TestRoutes:
    def test_a_region_and_a_group_have_references_alike(
        self, api: Client, paths: Paths, web: str, driver: InventoryDriver
    ) -> None:
        owners: tuple[tuple[str, type[RegionReference | GroupReference]], ...] = (
            (paths.region, RegionReference),
            (web, GroupReference),
        )
        for owner, kind in owners:
            path = refer(api, owner, "https://example.org/a.yml", sha256="0" * 64)
            one = api.get(path)
            assert set(one.json) == {
                *("id", "owner_id", "name", "url", "sha256"),
                *("revision", "created_at", "updated_at"),
            }
            assert one.json["owner_id"] == owner
            assert api.get(f"/v1/references/{owner}").json["references"] == [one.json]
            [stored] = driver.scan(kind)
            assert stored.region_id == paths.region
            changed = api.put(path, {**one.json, "name": "other"}, If_Match=one.headers["ETag"])
            assert changed.json["name"] == "other"
            assert api.patch(path, {"sha256": None}).json["sha256"] is None
            api.put(path, changed.json, 412, If_Match=one.headers["ETag"])
            assert next(driver.scan(kind)).region_id == paths.region
            api.delete(path)
            api.get(path, 404)

    def test_an_owner_must_be_there(self, api: Client, paths: Paths, web: str) -> None:
        host = paths.host("x")["id"]
        path = refer(api, web, "https://example.org/a.yml")
        for owner in ("nowhere", host, paths.tenant):
            body = {"name": "a", "url": "https://example.org/a.yml"}
            api.post(f"/v1/references/{owner}", body, 404)
            api.get(f"/v1/references/{owner}", 404)
        api.get(f"/v1/references/{paths.region}/{path.rpartition('/')[2]}", 404)

    @pytest.mark.parametrize(
        "url",
        [
            *("http://example.org/a", "file:///etc/passwd", "gopher://x/1", "example.org/a", "x"),
            *("https://127.0.0.1/a", "https://2130706433/a", "https://[::1]/a", "https:///a"),
        ],
    )
    def test_what_nobody_may_fetch_is_refused_when_written(
        self, api: Client, paths: Paths, url: str
    ) -> None:
        body = {"name": "a", "url": url}
        assert api.post(f"/v1/references/{paths.region}", body, 400).json["field"] == "url"
        path = refer(api, paths.region, "https://example.org/a.yml")
        assert api.patch(path, {"url": url}, 400).json["field"] == "url"
        assert api.put(path, body, 400).json["field"] == "url"

    def test_names_are_unique_in_their_owner(self, api: Client, paths: Paths, web: str) -> None:
        refer(api, web, "https://example.org/a.yml")
        refer(api, paths.region, "https://example.org/a.yml")
        body = {"name": "site", "url": "https://example.org/b.yml"}
        api.post(f"/v1/references/{web}", body, 409)

    def test_they_stand_in_the_way_of_their_owner(
        self, api: Client, paths: Paths, web: str, driver: InventoryDriver
    ) -> None:
        refer(api, web, "https://example.org/a.yml")
        api.delete(f"{paths.groups}/{web}", 409)
        api.delete(f"{paths.groups}/{web}?cascade=true")
        assert driver.count(GroupReference) == 0

    def test_refresh_says_what_is_there_now(self, api: Client, web: str, files: Files) -> None:
        path = refer(api, web, f"{files.url}/web.yml")
        answer = api.post(f"{path}/refresh", None, 200).json
        assert answer["sha256"] == hashlib.sha256(WEB).hexdigest()
        assert (answer["size"], answer["commit"], answer["stale"]) == (len(WEB), None, False)
        files.contents["/web.yml"] = b"x: 1\n"
        assert api.post(f"{path}/refresh", None, 200).json["size"] == 5
        files.contents["/web.yml"] = b"- 1\n"
        assert api.post(f"{path}/refresh", None, 502).json["code"] == "reference_malformed"


class TestEffective:
    def test_variables_include_them_in_ansibles_order(
        self, api: Client, paths: Paths, web: str, files: Files
    ) -> None:
        refer(api, paths.region, f"{files.url}/all.yml")
        refer(api, web, f"{files.url}/web.yml")
        host = api.get(paths.hosts).json["hosts"][0]["id"]
        path = f"{paths.hosts}/{host}/variables?resolved=true"
        assert api.get(path).json == {
            "a": 1,
            "channel": "stable",
            "ntp": "own",
            "port": 8080,
            "quoted": "{{ x }}",
            "release": "{{ channel }}",
        }
        explained = api.get(f"{path}&explain=true").json
        assert explained["port"]["source"] == {
            "kind": "reference",
            "id": explained["port"]["source"]["id"],
            "name": "site",
            "url": f"{files.url}/web.yml",
        }
        kinds = [source["kind"] for source in explained["ntp"]["overrides"]]
        assert [explained["ntp"]["source"]["kind"], *kinds] == ["group", "reference", "reference"]

    def test_filters_see_them(self, api: Client, paths: Paths, web: str, files: Files) -> None:
        refer(api, web, f"{files.url}/web.yml")
        for value, expected in (("8080", ["web1"]), ("80", [])):
            found = api.get(f"{paths.hosts}?resolved=true&vars=port:{value}").json["hosts"]
            assert [host["name"] for host in found] == expected


class TestBundles:
    def test_hold_the_files_as_they_are(
        self, api: Client, paths: Paths, web: str, files: Files
    ) -> None:
        refer(api, paths.region, f"{files.url}/all.yml", "b")
        refer(api, web, f"{files.url}/web.yml", "a b")
        for target, directory in (("ansible", ""), ("taskflow", "inventory/")):
            found = members(api.get(f"{paths.inventory}.tgz?target={target}"))
            assert found[f"{directory}group_vars/all/1-b.yml"] == ALL
            assert found[f"{directory}group_vars/web/1-a b.yml"] == WEB
            told = json.loads(found["manifest.json"])["references"]
            assert told == [
                {
                    "name": name,
                    "owner": owner,
                    "url": f"{files.url}/{owner}.yml",
                    "commit": None,
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "stale": False,
                }
                for name, owner, content in (("b", "all", ALL), ("a b", "web", WEB))
            ]

    def test_the_script_prints_their_variables(
        self, api: Client, paths: Paths, web: str, files: Files
    ) -> None:
        refer(api, paths.region, f"{files.url}/all.yml")
        refer(api, web, f"{files.url}/web.yml")
        script = api.get(f"{paths.inventory}.json").json
        assert script["all"]["vars"] == {"ntp": "time.example", "channel": "stable"}
        assert script["web"]["vars"] == {
            "ntp": "own",
            "port": 8080,
            "quoted": {"__ansible_unsafe": "{{ x }}"},
            "release": "{{ channel }}",
        }

    def test_have_another_tag_for_another_file_and_the_same_for_the_same(
        self, api: Client, paths: Paths, web: str, files: Files
    ) -> None:
        refer(api, web, f"{files.url}/web.yml")
        first = api.get(f"{paths.inventory}.tgz")
        again = api.get(f"{paths.inventory}.tgz")
        assert (again.body, again.headers["ETag"]) == (first.body, first.headers["ETag"])
        api.get(f"{paths.inventory}.tgz", 304, If_None_Match=first.headers["ETag"])
        files.contents["/web.yml"] = WEB + b"more: 1\n"
        other = api.get(f"{paths.inventory}.tgz", If_None_Match=first.headers["ETag"])
        assert other.headers["ETag"] != first.headers["ETag"]

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda files: setattr(files, "status", 500), "reference_unavailable"),
            (lambda files: files.contents.pop("/web.yml"), "reference_unavailable"),
            (lambda files: files.contents.update({"/web.yml": b"- 1\n"}), "reference_malformed"),
            (
                lambda files: files.contents.update({"/web.yml": b"a: !!python/name:os.system\n"}),
                "reference_malformed",
            ),
        ],
        ids=["500", "404", "a list", "python"],
    )
    def test_are_refused_rather_than_have_a_hole(
        self,
        api: Client,
        paths: Paths,
        web: str,
        files: Files,
        change: Callable[[Files], object],
        code: str,
    ) -> None:
        refer(api, web, f"{files.url}/web.yml")
        api.get(f"{paths.inventory}.tgz")
        change(files)
        for ending in ("tgz", "zip", "json"):
            problem = api.get(f"{paths.inventory}.{ending}", 502).json
            assert (problem["code"], problem["url"]) == (code, f"{files.url}/web.yml")

    def test_serve_the_last_good_file_when_told_and_say_so(
        self, configured: Callable[..., Client], authority: tls.Authority, files: Files
    ) -> None:
        api = configured(trusting(authority, serve_stale=True))
        tenant = api.post("/v1/tenants", {"name": "acme"}).json["id"]
        region = api.post(f"/v1/regions/{tenant}", {"name": "north"}).json["id"]
        refer(api, region, f"{files.url}/all.yml")
        fresh = api.get(f"/v1/inventory/{region}.tgz")
        files.status = 503
        stale = api.get(f"/v1/inventory/{region}.tgz")
        assert members(stale)["inventory/group_vars/all/1-site.yml"] == ALL
        assert json.loads(members(stale)["manifest.json"])["references"][0]["stale"] is True
        assert stale.headers["ETag"] != fresh.headers["ETag"]

    def test_are_refused_when_a_pin_does_not_match(
        self, api: Client, paths: Paths, web: str, files: Files
    ) -> None:
        refer(api, web, f"{files.url}/web.yml", sha256="0" * 64)
        problem = api.get(f"{paths.inventory}.tgz", 502).json
        assert problem["code"] == "pin_mismatch"
        assert problem["found"] == hashlib.sha256(WEB).hexdigest()

    def test_a_filter_leaves_out_the_files_of_other_groups(
        self, api: Client, paths: Paths, web: str, files: Files
    ) -> None:
        db = paths.group("db")["id"]
        paths.host("db1", groups=[db])
        refer(api, web, f"{files.url}/web.yml")
        refer(api, db, f"{files.url}/all.yml")
        found = members(api.get(f"{paths.inventory}.tgz?target=ansible&name=db1"))
        assert "group_vars/web/1-site.yml" not in found
        assert found["group_vars/db/1-site.yml"] == ALL
        assert len(json.loads(found["manifest.json"])["references"]) == 1

    def test_a_slow_server_keeps_no_writer_waiting(
        self, api: Client, paths: Paths, web: str, files: Files
    ) -> None:
        refer(api, web, f"{files.url}/web.yml")
        asked, go_on = threading.Event(), threading.Event()

        def slow(request: tls.Request) -> None:
            asked.set()
            assert go_on.wait(10)
            files.give(request)

        files.server.answer(slow)
        answers: list[Any] = []
        client = threading.Thread(
            target=lambda: answers.append(api.get(f"{paths.inventory}.tgz?target=ansible"))
        )
        client.start()
        try:
            assert asked.wait(10)
            paths.host("written-meanwhile")
        finally:
            go_on.set()
            client.join()
        assert b"written-meanwhile" in members(answers[0])["hosts"]
