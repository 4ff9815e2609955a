"""Test the rules that say which module may import which module."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INNER = {"bot", "handlers", "services", "db", "scheduler"}


def modules_of(package: str) -> set[str]:
    """Return the dotted names of a package's direct modules and subpackages."""
    folder = ROOT / package
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    folders = {path.parent.name for path in folder.glob("*/__init__.py")}
    return {f"{package}.{name}" for name in files | folders}


def layered_modules() -> set[str]:
    """Return the names of all modules in the import layers of pyproject.toml."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(c["layers"] for c in contracts["contracts"] if c["type"] == "layers")
    return {name.strip(" \n()") for layer in layers for name in re.split(r"[|:]", layer)}


def imported_packages(path: Path) -> set[str]:
    """Return the top-level packages that a Python file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("package", ["bot", "scheduler"])
def test_every_module_stands_in_a_layer(package: str) -> None:
    missing = sorted(modules_of(package) - layered_modules())
    assert not missing, f"add to the layers in pyproject.toml: {', '.join(missing)}"


def test_every_package_stands_in_a_layer() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    listed = {name.partition(".")[0] for name in layered_modules()}
    assert packages <= listed


def test_the_main_path_test_imports_no_product_code() -> None:
    test = re.compile(r"^(async )?def test_E1", re.MULTILINE)
    main_path = [path for path in (ROOT / "tests").rglob("*.py") if test.search(path.read_text())]
    assert main_path
    for path in main_path:
        assert not imported_packages(path) & INNER, path.relative_to(ROOT)
