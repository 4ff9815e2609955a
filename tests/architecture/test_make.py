"""Test that a developer's environment does not change what `make` does."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.architecture.scripts import load_script

ROOT = Path(__file__).parents[2]
# The tests themselves may run in `make test`.
OUTSIDE_MAKE = {
    name: value
    for name, value in os.environ.items()
    if name not in {"MAKEFLAGS", "MAKELEVEL", "MAKE_TERMOUT", "MAKE_TERMERR", "MFLAGS"}
}
"""The environment variables without those that make gives to its commands."""


@pytest.fixture
def install() -> ModuleType:
    """Load `requirements/install.py` as a module."""
    return load_script("requirements/install.py")


def test_only_the_network_options_of_pip_are_used(install: ModuleType) -> None:
    listing = """global.index-url='https://mirror.example/simple'
install.user='true'
global.require-virtualenv='true'
:env:.no_deps='1'
:env:.index_url='https://other.example/simple'
global.trusted-host='mirror.example'
"""
    variables = {"PATH": "/bin", "PIP_USER": "1", "PYTHONPATH": "/x", "UV_TARGET": "/y"}
    assert install.environment(variables, listing) == {
        "PATH": "/bin",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "https://other.example/simple",
        "PIP_TRUSTED_HOST": "mirror.example",
    }


def test_the_listing_of_pip_is_understood(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nindex-url = https://mirror.example/\n[install]\nuser = true\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    clean = install.environment(os.environ, listing)
    assert clean["PIP_INDEX_URL"] == "https://mirror.example/"
    assert clean["PIP_CONFIG_FILE"] == os.devnull
    assert "PIP_USER" not in clean


def test_variables_of_other_tools_do_not_reach_the_programs() -> None:
    shell = {
        "PYTHONPATH": "/nowhere",
        "PYTHONHOME": "/nowhere",
        "PYTHONSAFEPATH": "1",
        "PYTHONWARNINGS": "error",
        "PYTHONTZPATH": "/nowhere",
        "PGPORT": "6432",
        "PGSERVICE": "other",
        "TZ": "MSK-3",
        "TZDIR": "/nowhere",
        "PYTEST_ADDOPTS": "--collect-only",
        "PYTEST_PLUGINS": "nowhere",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "MYPYPATH": "/nowhere",
        "MYPY_CACHE_DIR": "/nowhere",
        "HYPOTHESIS_PROFILE": "ci",
        "HYPOTHESIS_STORAGE_DIRECTORY": "/nowhere",
        "COVERAGE_PROCESS_START": "/nowhere",
        "COV_CORE_SOURCE": "/nowhere",
        "RUFF_CONFIG": "/nowhere",
        "RUFF_NO_CACHE": "true",
        "FORCE_COLOR": "1",
        "COLUMNS": "20",
    }
    shown = subprocess.run(
        ["make", "--eval", "probe: ; @env", "probe"],  # noqa: S607 - make - make is required anyway
        cwd=ROOT,
        env=OUTSIDE_MAKE | shell,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = {line.partition("=")[0] for line in shown.splitlines()}
    assert names & shell.keys() == set()
    assert "PATH" in names


def test_only_the_command_line_gives_arguments() -> None:
    """Check that ARGS of a shell is not used, and that ARGS of the command line is."""
    probe = "probe: ; @echo '$(ARGS)/$(KILLS)/$(SEED)/$(STEPS)'"

    def run(*given: str) -> str:
        return subprocess.run(
            ["make", "--eval", probe, "probe", *given],  # noqa: S607 - make
            cwd=ROOT,
            env=OUTSIDE_MAKE | {"ARGS": "--collect-only", "KILLS": "1", "SEED": "1", "STEPS": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    assert run() == "///"
    assert run("ARGS=-k E1", "SEED=7", "STEPS=9") == "-k E1//7/9"


@pytest.mark.parametrize("name", [b"a:b", b"\xff\xfe"])
def test_a_folder_in_which_venv_does_not_work_is_one_line(name: bytes, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(name)
    for file in ("requirements/dev.txt", "requirements/uv.txt", "requirements/install.py"):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    (folder / "bot/cli").mkdir(parents=True)
    (folder / "bot/cli/adtech.sh").touch()
    shutil.copy(ROOT / "Makefile", folder)
    ran = subprocess.run(
        ["make", f"PYTHON={sys.executable}", "run"],  # noqa: S607 - make - make is required anyway
        cwd=folder,
        env=OUTSIDE_MAKE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode != 0
    assert ran.stderr.startswith("Python's venv does not work in this folder: move it to a path of")
    assert ran.stdout == ""
    assert not (folder / ".venv").exists()
