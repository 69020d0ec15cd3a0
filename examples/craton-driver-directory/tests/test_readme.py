"""The file that the README shows is one that the driver would write."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from craton_driver_directory import files

README = Path(__file__).parents[1] / "README.rst"


def test_the_example_is_a_file_as_the_driver_writes_it() -> None:
    block = re.search(r"code-block:: yaml\n\n((?:    .*\n|\n)+)", README.read_text())
    text = textwrap.dedent(block[1]).strip() + "\n"
    path = "tenants/acme/regions/ams/hosts/web1.example.com.yaml"
    file = files.read(path, "", text.encode())
    assert file.problem == ""
    assert files.write(file.entity, file.links) == text
