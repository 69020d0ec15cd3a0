"""Options that do not fit are refused at once, and by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from craton.errors import ConfigurationError
from tests.unit.backends.cmdb.nautobot.conftest import Configure


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"endpoint": None}, "endpoint"),
        ({"token_file": None}, "token_file"),
        ({"endpoint": "nautobot.example"}, "endpoint"),
        ({"endpoint": "ftp://nautobot.example"}, "endpoint"),
        ({"endpoint": "http://nautobot.example"}, "https"),
        ({"endpoint": "https://user:word@nautobot.example"}, "endpoint"),
        ({"endpoint": "https://nautobot.example/?a=b"}, "endpoint"),
        ({"endpoint": "https://nautobot.example:x"}, "endpoint"),
        ({"endpoint": "https://[nautobot"}, "endpoint"),
        ({"page_size": 1001}, "page_size"),
        ({"timeout": 60}, "timeout"),
        ({"group_prefixes": "racks:rack_"}, "racks"),
        ({"group_prefixes": "roles:role-"}, "role-"),
        ({"group_prefixes": "roles:a_,tags:a_b_"}, "a_b_"),
        ({"group_prefixes": "roles:,tags:tag_"}, "tag_"),
        ({"context_variable": "no-name"}, "context_variable"),
        ({"context_variable": "hostvars"}, "context_variable"),
        ({"custom_field_prefix": "cf-"}, "custom_field_prefix"),
        ({"fields": "name:hostname"}, "name"),
    ],
)
def test_what_does_not_fit_is_refused(
    configure: Configure, given: dict[str, object], named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named):
        configure(**given)


def test_a_password_in_the_endpoint_is_not_repeated(configure: Configure) -> None:
    with pytest.raises(ConfigurationError) as caught:
        configure(endpoint="https://user:hunter2@nautobot.example")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:8080", "http://localhost/", "http://[::1]:80", "https://n/cmdb/"]
)
def test_http_is_for_loopback(configure: Configure, endpoint: str) -> None:
    assert configure(endpoint=endpoint).endpoint == endpoint.rstrip("/")


def test_one_sort_of_groups_needs_no_prefix(configure: Configure) -> None:
    assert configure(group_prefixes="tags:").group_prefixes == {"tags": ""}


def test_a_token_is_read_each_time(configure: Configure, token_file: Path) -> None:
    options = configure()
    assert options.token() == "sesame"
    token_file.write_text("another")
    assert options.token() == "another"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o620])
def test_a_token_that_others_may_read_is_refused(
    configure: Configure, token_file: Path, mode: int
) -> None:
    token_file.chmod(mode)
    with pytest.raises(ConfigurationError, match="open to others") as caught:
        configure().token()
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"\xff\xfe", b"a\nb"])
def test_a_file_without_a_token_is_refused(
    configure: Configure, token_file: Path, content: bytes
) -> None:
    token_file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="token_file"):
        configure().token()


def test_a_missing_token_file_is_refused(configure: Configure, token_file: Path) -> None:
    token_file.unlink()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        configure().token()


def test_what_decides_entities_is_in_the_meaning_and_how_they_are_read_is_not(
    configure: Configure,
) -> None:
    plain = configure().meaning()
    assert configure(page_size=7, timeout=3, parallel=1).meaning() == plain
    for given in (
        {"endpoint": "https://other.example"},
        {"region_types": "site"},
        {"default_tenant": "nobody"},
        {"active_statuses": "Active,Staged"},
        {"address_family": "ipv6"},
        {"asset_id": "serial"},
        {"group_prefixes": "roles:r_"},
        {"context_variable": "context"},
        {"custom_field_prefix": "f_"},
        {"ignored_variables": "a"},
        {"fields": "ssh_port:port"},
    ):
        assert configure(**given).meaning() != plain, given
