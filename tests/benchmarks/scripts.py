"""The same approvals through pgbench: a fixed plain script, and the service's own statements."""

import re
import subprocess
from pathlib import Path

from sqlalchemy import TextClause

from sandbox import binaries, embedded
from services.market import moderation

PLAIN = Path(__file__).with_name("approve.pgbench.sql")
_GIVEN = {
    "target_id": ":target_id::bigint",
    "actor_id": "1::bigint",
    "role": "'admin'::text",
    "correlation_id": "NULL::text",
}
"""What the service knows."""


def own_statements() -> str:
    """Write the service's own statements as a script, from the very texts that it executes."""
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
    """Run a script over targets from `first` on; return approvals a second."""
    done = subprocess.run(
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
    found = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
    if found is None:
        raise RuntimeError(done.stdout + done.stderr)
    return float(found[1])


def _script(statement: TextClause) -> str:
    one_line = " ".join(statement.text.split())
    return re.sub(r"(?<![:\w]):(\w+)", lambda match: _GIVEN[match[1]], one_line)
