"""The files of the web view: what must never stand in them, and that they are all there."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

STATIC = files("craton.web") / "static"
SCRIPTS = {
    entry.name: entry.read_text() for entry in STATIC.iterdir() if entry.name.endswith(".js")
}
PAGE = (STATIC / "index.html").read_text()
SHEET = (STATIC / "style.css").read_text()

#: What makes markup, code or an address of text.
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|setHTML|createContextualFragment|DOMParser|srcdoc"
    r"|document\.write|\beval\b|\bFunction\(|javascript:|window\.open|set(?:Timeout|Interval)\(\s*[\"'`]"
    r"|localStorage|document\.cookie|https?://(?!html\.spec\.whatwg\.org)"
)

_IMPORT = re.compile(r'^import .*? from "(.*?)";$', re.MULTILINE)
_NAMES = re.compile(r'^import \{(.*?)\} from "\./(.*?)";$', re.MULTILINE)


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_makes_markup_or_code_of_text(name: str) -> None:
    assert FORBIDDEN.findall(SCRIPTS[name]) == []


@pytest.mark.parametrize(
    "line",
    [
        "node.innerHTML = text",
        "node.insertAdjacentHTML('x', text)",
        "document.write(text)",
        "eval(text)",
        "new Function(text)",
        "setTimeout('text')",
        "location = `javascript:${text}`",
        "import 'https://cdn.example/x.js'",
    ],
)
def test_the_rule_would_find_it(line: str) -> None:
    assert FORBIDDEN.search(line)


def test_the_page_holds_no_script_and_no_style_of_its_own() -> None:
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\son\w+=|\sstyle=", PAGE) == []
    assert set(re.findall(r'(?:src|href)="(.*?)"', PAGE)) == {
        "icon.svg",
        "style.css",
        "main.js",
        "#main",
        "#/tenants",
    }
    assert "url(" not in SHEET
    assert "@import" not in SHEET


def test_every_import_names_a_module_and_what_it_exports() -> None:
    for name, text in SCRIPTS.items():
        assert _IMPORT.findall(text) == [f"./{module}" for _, module in _NAMES.findall(text)], name
        for names, module in _NAMES.findall(text):
            for one in names.split(","):
                exported = rf"^export (?:async )?(?:function\*?|const|class) {one.strip()}\b"
                assert re.search(exported, SCRIPTS[module], re.MULTILINE), (name, one, module)


def test_every_module_is_used_and_nothing_is_imported_for_nothing() -> None:
    used = {module for text in SCRIPTS.values() for _, module in _NAMES.findall(text)}
    assert set(SCRIPTS) == used | {"main.js"}
    for name, text in SCRIPTS.items():
        for names, _ in _NAMES.findall(text):
            for one in names.split(","):
                assert len(re.findall(rf"\b{one.strip()}\b", text)) > 1, (name, one)


def test_modules_are_short() -> None:
    long = {name: text.count("\n") for name, text in SCRIPTS.items() if text.count("\n") > 300}
    assert long == {}
