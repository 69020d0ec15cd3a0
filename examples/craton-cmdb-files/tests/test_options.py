"""What does not fit together in the configuration is said before anything is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from craton_cmdb_files.adapter import FilesAdapter

from craton.errors import ConfigurationError


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "path to a directory, or url"),
        ({"path": "/x", "url": "https://cmdb.example.com/"}, "not both"),
        ({"url": "http://cmdb.example.com/"}, "https://"),
        ({"url": "https:///export"}, "name a host"),
        ({"url": "https://[::1/export"}, "url is none"),
        ({"url": "https://me:hush@cmdb.example.com/"}, "must not hold a password"),
        ({"url": "https://cmdb.example.com/", "username": "me"}, "secret_file"),
        ({"url": "https://cmdb.example.com/", "manifest": "SUMS"}, "manifest is for path"),
        ({"path": "/x", "count_header": "X-Count"}, "count_header is for url"),
        ({"path": "/x", "manifest": "../SUMS"}, "name of a file in path"),
        ({"path": "/x", "delimiter": "||"}, "one character"),
        ({"path": "/x", "columns": "id:A,name:B,color:C"}, "columns has color"),
        ({"path": "/x", "columns": "name:B"}, "which column is the id"),
        ({"path": "/x", "columns": "id:B"}, "which column is the name"),
        ({"path": "/x", "region": ""}, "set region"),
        ({"path": "/x", "tenant": ""}, "set tenant"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    make: Callable[..., FilesAdapter], options: dict[str, str], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        make(**options)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("option", ["ca_file", "secret_file"])
def test_a_file_that_cannot_be_read_keeps_the_adapter_closed(
    make: Callable[..., FilesAdapter], tmp_path: Path, option: str
) -> None:
    adapter = make(url="https://127.0.0.1:1/", **{option: tmp_path / "none"})
    with pytest.raises(ConfigurationError, match=option):
        adapter.open()
