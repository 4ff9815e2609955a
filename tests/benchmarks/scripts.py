"""Run approvals with pgbench."""

import re
import subprocess
from pathlib import Path

from sqlalchemy import TextClause

from sandbox import binaries, embedded
from services.market import moderation

PLAIN = Path(__file__).with_name("approve.pgbench.sql")
_VALUES = {
    "target_id": ":target_id::bigint",
    "actor_id": "1::bigint",
    "role": "'admin'::text",
    "correlation_id": "NULL::text",
}
"""The SQL expression for each parameter of the service's SQL statement."""


def own_statements() -> str:
    """Return a pgbench script with the SQL that the service runs for one approval."""
    return "\n".join(
        (
            "\\set i :i + 1",
            "\\set target_id :first + :client_id + :i * :clients",
            "BEGIN;",
            f"{_script(moderation.APPROVE)};",
            "COMMIT;",
        )
    )


def run(
    server: embedded.Postgres, role: str, script: Path, *, first: int, count: int, clients: int
) -> float:
    """Approve `count` placements with a pgbench script, and return the approvals per second.

    Raises RuntimeError if pgbench reports no rate.
    """
    process = subprocess.run(
        [
            str(binaries.postgres("pgbench")),
            *("-h", str(server.socket_folder), "-U", role, "-n", "-M", "prepared"),
            *("-c", str(clients), "-j", "1", "-t", str(count // clients)),
            *("-D", f"first={first}", "-D", "i=-1", "-D", f"clients={clients}"),
            *("-f", str(script), embedded.DATABASE),
        ],
        env={"PGPASSWORD": server.passwords[role]},
        capture_output=True,
        text=True,
        check=True,
    )
    rate = re.search(r"^tps = ([0-9.]+)", process.stdout, re.MULTILINE)
    if rate is None:
        raise RuntimeError(process.stdout + process.stderr)
    return float(rate[1])


def _script(statement: TextClause) -> str:
    one_line = " ".join(statement.text.split())
    return re.sub(r"(?<![:\w]):(\w+)", lambda match: _VALUES[match[1]], one_line)
