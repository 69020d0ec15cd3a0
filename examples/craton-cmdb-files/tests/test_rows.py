"""From a file to entities: what a row makes, what it does not, and which files are none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from craton_cmdb_files.adapter import FilesAdapter

from craton.cmdb import End, Item, Present, Unusable
from craton.errors import Unavailable
from craton.models import Group, Host, Region, Tenant

COLUMNS = (
    "id:ID,name:Name,ip_address:IP,tenant:Customer,region:Site,groups:Tags,"
    "ssh_port:Port,active:On,asset_id:Asset"
)


@pytest.fixture
def read(make: Callable[..., FilesAdapter], tmp_path: Path) -> Callable[..., list[Item]]:
    """Read one file, and return what is made of it by kind and name."""
    directory = tmp_path / "export"
    directory.mkdir()

    def read(data: str | bytes, **options: object) -> list[Item]:
        suffix = options.get("format", "csv")
        data = data if isinstance(data, bytes) else data.encode()
        (directory / f"hosts.{suffix}").write_bytes(data)
        *items, end = make(path=directory, **options).changes(None)
        assert isinstance(end, End)
        return items

    return read


def hosts(items: Iterable[Item]) -> dict[str, Host]:
    found = (item.entity for item in items if isinstance(item, Present))
    return {entity.name: entity for entity in found if isinstance(entity, Host)}


def reasons(items: Iterable[Item]) -> list[str]:
    return [item.reason for item in items if isinstance(item, Unusable)]


def test_a_row_makes_a_host_and_all_that_is_above_it(read: Callable[..., list[Item]]) -> None:
    items = read(
        "ID,Name,IP,Customer,Site,Tags,Port,On,Asset,rack\n"
        '1,web1,192.0.2.1,acme,ams,"web, eu",2222,TRUE,A-1,07\n'
        "2,db1,2001:DB8::1,acme,ams,,,false,,\n"
        "3,db1,,bcme,ams,web,,,,08\n",
        columns=COLUMNS,
    )
    kinds = [type(item.entity) for item in items]
    assert kinds == [Tenant, Region, Group, Group, Host, Host, Tenant, Region, Group, Host]
    entities = [item.entity for item in items]
    web1, db1, other = (entity for entity in entities if isinstance(entity, Host))
    assert (web1.id, web1.ip_address, web1.ssh_port, web1.active) == ("1", "192.0.2.1", 2222, True)
    assert (web1.asset_id, web1.variables.decode()) == ("A-1", {"rack": "07"})
    assert (db1.ip_address, db1.ssh_port, db1.active) == ("2001:db8::1", None, False)
    assert (db1.groups, db1.variables.decode()) == ((), {})
    assert (other.active, other.region_id != db1.region_id) == (True, True)
    by_id = {entity.id: entity for entity in entities}
    assert {by_id[id].name for id in web1.groups} == {"web", "eu"}
    assert by_id[web1.region_id].name == "ams"
    assert by_id[by_id[web1.region_id].tenant_id].name == "acme"
    assert len({entity.id for entity in entities if isinstance(entity, Group)}) == 3


def test_a_file_as_excel_writes_it_is_read(read: Callable[..., list[Item]]) -> None:
    data = '\ufeffid;name;note\r\n1;bär;"two\r\nlines"\r\n\r\n'.encode()
    assert hosts(read(data, delimiter=";"))["bär"].variables.decode() == {"note": "two\r\nlines"}


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        ("*", {"rack": "1", "var_a": "2", "var_b": "[3]"}),
        ("var_*", {"a": "2", "b": "[3]"}),
        ("rack:place", {"place": "1"}),
        ("var_b:b,rack", {"b": "[3]", "rack": "1"}),
        ("*,var_*,rack:place", {"place": "1", "a": "2", "b": "[3]"}),
        ("", {}),
    ],
)
def test_columns_become_variables_as_they_are_told_to(
    read: Callable[..., list[Item]], words: str, variables: dict[str, str]
) -> None:
    found = hosts(read("id,name,rack,var_a,var_b\n1,h,1,2,[3]\n", variables=words))
    assert found["h"].variables.decode() == variables


def test_cells_are_json_where_that_is_said(read: Callable[..., list[Item]]) -> None:
    data = 'id,name,n,list,text\n1,h,1.0,"[1, null]",1\n2,i,x,,2\n'
    items = read(data, json_columns="n,list")
    assert hosts(items)["h"].variables.text == '{"list":[1,null],"n":1.0,"text":"1"}'
    assert reasons(items) == ["line 3 of hosts.csv: variables: n: must be JSON"]
    assert hosts(read(data, json_columns="*")).keys() == {"h"}


def test_json_keeps_its_types(read: Callable[..., list[Item]]) -> None:
    rows = [
        {"id": 17, "name": "h", "v": [1, 1.0, "1", None, {"k": True}], "nothing": None, "e": ""},
        {"id": "18", "name": "i", "ip_address": None, "Tags": ["a", "b"]},
    ]
    columns = "id:id,name:name,ip_address:ip_address,groups:Tags"
    found = hosts(read(json.dumps(rows), format="json", columns=columns))
    assert found["h"].id == "17"
    assert found["h"].variables.decode() == {"v": rows[0]["v"], "nothing": None, "e": ""}
    assert len(found["i"].groups) == 2


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,,,", "name: is missing: 'name' is empty"),
        ("1,a/b,,", "name: must not contain '/': it would name another directory"),
        ("1, a,,", "name: must not be empty, nor begin or end with white space"),
        ("1,a,192.0.2.300,", "ip_address: must be an IPv4 or IPv6 address"),
        ("1,a, 192.0.2.3,", "ip_address: must be an IPv4 or IPv6 address"),
        ("1,a,,x/y", "name: must not contain '/': it would name another directory"),
        ("1,a\0,,", "name: must not contain the character NUL"),
        ("a/1,a,,", "id: must not contain a slash"),
        (f"{'1' * 65},a,,", "id: must have 1 to 64 characters"),
    ],
)
def test_a_row_that_makes_no_host_is_said_with_its_line(
    read: Callable[..., list[Item]], row: str, reason: str
) -> None:
    columns = "id:id,name:name,ip_address:ip,groups:tags"
    items = read(f"id,name,ip,tags\n0,z,,\n{row}\n9,b,,\n", columns=columns)
    assert hosts(items).keys() == {"z", "b"}
    assert reasons(items) == [f"line 3 of hosts.csv: {reason}"]
    (bad,) = (item for item in items if isinstance(item, Unusable))
    assert 1 <= len(bad.id) <= 64
    assert "/" not in bad.id


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"name": 7}, "name: must be a string"),
        ({"name": "a", "port": "22x"}, "ssh_port: must be an integer from 1 to 65535"),
        ({"name": "a", "port": 0}, "ssh_port: must be an integer from 1 to 65535"),
        ({"name": "a", "port": True}, "ssh_port: must be an integer from 1 to 65535"),
        ({"name": "a", "on": "yes"}, "active: must be true or false"),
        ({"name": "a", "on": 1}, "active: must be true or false"),
        ({"name": "a", "tags": [1]}, "groups: must be a text, or an array of them"),
        ({"name": "a", "site": 3}, "region: is missing, or no text"),
        ({"name": "\ud800"}, "name: must not contain half of a surrogate pair"),
        ({"name": "a", "v": "\ud800"}, "variables.v: must not contain half of a surrogate pair"),
        ({"name": "a", "v": 1e999}, "variables.v: must be a finite number"),
    ],
)
def test_a_value_of_another_type_is_not_bent(
    read: Callable[..., list[Item]], row: dict[str, object], reason: str
) -> None:
    columns = "id:id,name:name,ssh_port:port,active:on,groups:tags,region:site"
    text = json.dumps([{"id": "1", **row}]).replace("Infinity", "1e999")
    items = read(text, format="json", columns=columns)
    assert reasons(items) == [f"object 1 of hosts.json: {reason}"]
    assert not hosts(items)
    for item in items:
        repr(item).encode()


def test_a_column_whose_name_is_no_variable_is_named(read: Callable[..., list[Item]]) -> None:
    items = read("id,name,Serial No.\n1,h,x\n")
    assert len(reasons(items)) == 1
    assert "variables.Serial No.: must begin with a letter" in reasons(items)[0]
    found = hosts(read("id,name,Serial No.\n1,h,x\n", variables="Serial No.:serial"))
    assert found["h"].variables.decode() == {"serial": "x"}


def test_two_columns_cannot_be_one_variable(read: Callable[..., list[Item]]) -> None:
    items = read("id,name,rack,place\n1,h,x,y\n", variables="rack,place:rack")
    assert reasons(items) == ["line 2 of hosts.csv: variables.rack: has two columns"]


def test_an_id_that_stands_there_twice_is_nobodys(read: Callable[..., list[Item]]) -> None:
    items = read("id,name\n1,a\n2,b\n1,c\n")
    assert hosts(items).keys() == {"b"}
    assert reasons(items) == [
        f"line {line} of hosts.csv: id: is the id of another row, too" for line in (2, 4)
    ]


def test_people_are_told_where_a_machine_is(read: Callable[..., list[Item]]) -> None:
    items = read("id,name\na b?,a\n2,\n", page="https://cmdb.example.com/{id}/edit")
    urls = [item.url for item in items if item.url]
    assert urls == ["https://cmdb.example.com/a%20b%3F/edit", "https://cmdb.example.com/2/edit"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "does not end with the end of a line"),
        (b"id,name\n1,a\n2,b", "does not end with the end of a line"),
        (b"\n", "has no column 'id'"),
        (b"id,host\n1,a\n", "has no column 'name'"),
        (b"id;name\n1;a\n", "has no column 'id'"),
        (b"id,name,x,x\n", "has two columns of one name"),
        (b"id,name\n1,a\n2\n", "line 3 of hosts.csv: has 1 cells, the header has 2"),
        (b"id,name\n1,a,b\n", "line 2 of hosts.csv: has 3 cells, the header has 2"),
        (b"id,name\n,a\n", "line 2 of hosts.csv: has no 'id', which is the id"),
        (b'id,name\n1,"a\n2,b\n', "is no CSV in UTF-8"),
        (b'id,name\n1,"a"b\n', "is no CSV in UTF-8"),
        (b"id,name\n1,b\xe4r\n", "is no CSV in UTF-8"),
        ("id,name\n1,a\n".encode("utf-16"), "may be cut off"),
    ],
)
def test_what_is_no_csv_is_no_export(
    read: Callable[..., list[Item]], data: bytes | str, words: str
) -> None:
    with pytest.raises(Unavailable, match=words):
        read(data)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "[",
        '[{"id": "1", "name": "a"}',
        '[{"id": "1", "name": "a"},',
        '[{"id": "1", "name": "a"},]',
        '[{"id": "1", "name": "a"} {"id": "2", "name": "a"}]',
        '[{"id": "1", "name": "a"}] []',
        '[{"id": "1", "name": "a", "name": "b"}]',
        '[{"id": "1", "name": NaN}]',
        '[["1", "a"]]',
        "[1]",
        '{"id": "1", "name": "a"}',
        '"text"',
        '[{"id": "1", "v": ' + "[" * 100_000,
        '[{"id": ' + "1" * 5000 + "}]",
    ],
    ids=range(15),
)
def test_what_is_no_array_of_objects_is_no_export(
    read: Callable[..., list[Item]], data: str
) -> None:
    with pytest.raises(Unavailable):
        read(data, format="json")


def test_json_may_be_of_any_size_and_shape(read: Callable[..., list[Item]]) -> None:
    rows = [{"id": str(n), "name": f"h{n}", "v": "ä" * (n * 997 % 150_000)} for n in range(40)]
    for indent in (None, 3):
        text = json.dumps(rows, indent=indent, ensure_ascii=False)
        found = hosts(read(f"\ufeff \n{text}\n\n", format="json"))
        assert [found[row["name"]].variables["v"] for row in rows] == [row["v"] for row in rows]
    assert read(" [ \n ] ", format="json") == []


def test_the_readme_is_right(make: Callable[..., FilesAdapter], tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "README.rst").read_text(encoding="utf-8")
    block = text.partition(".. code-block:: text\n\n")[2].partition("\n\nthe tenant")[0]
    lines = [line.strip() for line in block.splitlines()]
    settings = dict(
        line.strip().split(" = ", 1)
        for line in text.partition("[cmdb_files]\n")[2].partition("\n\n")[0].splitlines()
    )
    (tmp_path / "hosts.csv").write_text("\n".join(lines) + "\n")
    adapter = make(**{**settings, "region": "", "path": tmp_path})
    items = list(adapter.changes(None))
    found = hosts(items)
    assert {
        group.entity.name for group in items if isinstance(getattr(group, "entity", 0), Group)
    } == {*("web", "eu", "db")}
    assert found["web1.example.com"].variables.decode() == {"rack": "07", "os": "Debian 12"}
    assert found["db1.example.com"].variables.decode() == {"rack": "08"}
