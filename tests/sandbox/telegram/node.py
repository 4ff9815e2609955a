"""Install libraries for bots that run with Node.js."""

import asyncio
import hashlib
import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT

LIST = Path(__file__).parent / "clients"
"""The folder with the list of the libraries, with their hashes."""
PACKAGES = ROOT / ".venv" / "node"
"""The folder of the installed libraries, one folder for each content of the list."""
LONGEST_INSTALLATION = 120


async def settings() -> dict[str, str]:
    """Return the environment in which a program of Node.js finds grammY and Telegraf.

    The first call installs them. The test is skipped if this machine has no Node.js, or if npm
    finds no registry of packages.
    """
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("Node.js is not installed, so its two libraries cannot be tried")
    digest = hashlib.sha256((LIST / "package-lock.json").read_bytes()).hexdigest()
    folder = PACKAGES / digest[:16]
    ready = folder / "ready"
    if not ready.exists():
        await _install(folder)
        ready.touch()
    return os.environ | {"NODE_PATH": str(folder / "node_modules")}


def _copy_list(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(LIST / name, folder)


async def _install(folder: Path) -> None:
    _copy_list(folder)
    arguments = ("ci", "--no-audit", "--no-fund", "--ignore-scripts")
    process = await asyncio.create_subprocess_exec("npm", *arguments, cwd=folder)
    try:
        await asyncio.wait_for(process.wait(), LONGEST_INSTALLATION)
    except TimeoutError:
        process.kill()
        await process.wait()
    if process.returncode:
        pytest.skip("npm cannot install the two libraries: is there a registry of packages?")
