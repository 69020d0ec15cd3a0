"""The two rules that hold the house together, and the places where one thing may be imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import craton

ROOT = Path(craton.__file__).parent

#: Libraries that speak to one store, and the only package that may import them.
STORES = {
    "sqlalchemy": "craton.backends.sql",
    "alembic": "craton.backends.sql",
    "oslo_db": "craton.backends.sql",
    "pymysql": "craton.backends.sql",
    "sqlite3": "craton.backends.sql",
    "pymongo": "craton.backends.mongo",
    "bson": "craton.backends.mongo",
    "redis": "craton.runs",
}
#: Libraries that stand in one place, so that they can be replaced there.
CONFINED = {"wsme": "craton.api.types", "stevedore": "craton.loader", "pecan": "craton.api"}
CONFINED |= dict.fromkeys(("cryptography", "castellan", "barbicanclient"), "craton.secrets")

#: The contract: what knows nothing of the rest of the service.
CONTRACT = """
    caller capabilities changes chunks cmdb config deadline driver errors fields jsontext loader
    mirror models names pushdown query rules templating validation variables
""".split()


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        yield name, ast.parse(path.read_text())


def imports(tree: ast.Module) -> Iterator[str]:
    """Yield every module that a module imports, also inside of functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports would escape this test"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def violations(allowed: dict[str, str]) -> list[str]:
    return [
        f"{module} imports {name}"
        for module, tree in modules()
        for name in imports(tree)
        for library, place in allowed.items()
        if within(name, library) and not within(module, place)
    ]


def test_a_vendors_storage_library_is_imported_by_its_backend_alone() -> None:
    assert violations(STORES) == []


def test_libraries_that_stand_in_one_place_stay_there() -> None:
    assert violations(CONFINED) == []


def test_a_backend_imports_the_contract_and_itself() -> None:
    backends = [name for name, _ in modules() if name.startswith("craton.backends.")]
    assert backends
    for module, tree in modules():
        if not module.startswith("craton.backends."):
            continue
        own = ".".join(module.split(".")[:3])
        for name in imports(tree):
            if within(name, "craton") and name != "craton":
                part = name.split(".")[1]
                assert part in CONTRACT or within(name, own), f"{module} imports {name}"


def test_the_contract_imports_nothing_of_the_service() -> None:
    names = {f"craton.{name}" for name in CONTRACT}
    assert names <= {name for name, _ in modules()}
    for module, tree in modules():
        if module in names:
            for name in imports(tree):
                if within(name, "craton") and name != "craton":
                    part = name.split(".")[1]
                    assert part in CONTRACT or part == "__version__", f"{module} imports {name}"


def test_bundles_need_the_reading_half_alone() -> None:
    for module, tree in modules():
        if within(module, "craton.bundles"):
            for name in imports(tree):
                assert not within(name, "craton.api"), f"{module} imports {name}"
                assert not within(name, "craton.backends"), f"{module} imports {name}"
                assert name != "craton.driver.InventoryDriver", f"{module} imports {name}"


def test_a_move_between_stores_knows_the_contract_and_itself() -> None:
    found = [(module, tree) for module, tree in modules() if within(module, "craton.transfer")]
    assert found
    for module, tree in found:
        for name in imports(tree):
            if within(name, "craton") and name != "craton":
                part = name.split(".")[1]
                assert part in (*CONTRACT, "transfer"), f"{module} imports {name}"


@pytest.mark.parametrize("allowed", [{"dataclasses": "craton.api"}, {"orjson": "craton.fields"}])
def test_a_violation_is_seen(allowed: dict[str, str]) -> None:
    assert violations(allowed)
