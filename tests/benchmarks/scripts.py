"""The same approvals through pgbench: a fixed plain script, and the service's own statements."""

import re
import subprocess
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, DateTime, Text, TextClause

from db import queries
from sandbox import binaries, embedded
from services import ledger, moderation

PLAIN = Path(__file__).with_name("approve.pgbench.sql")
_CASTS = {BigInteger: "bigint", Text: "text", DateTime: "timestamptz"}
_GIVEN = {
    "key": "('escrow_hold:' || :target_id::bigint)",
    "correlation_id": "NULL::text",
    "publish_at": "NULL::timestamptz",
    "role": "'admin'::text",
    "switch": "'new_escrows'::text",
    "actor_id": "1::bigint",
    "amount": ":price::bigint",
    "fee": "(:price::bigint * :fee_bps::bigint / 10000)",
    "from_wallet_id": ":advertiser_wallet_id::bigint",
}
"""What the service computes or knows; everything else are columns of the first statement."""


def own_statements() -> str:
    """Write the service's own statements as a script, from the very texts that it executes."""
    return "\n".join(
        (
            "\\set i :i + 1",
            "\\set target_id :first + :client_id + :i * :clients",
            "BEGIN;",
            f"{_script(queries.LOCK_FOR_DECISION)} \\gset",
            f"{_script(ledger.HOLD)};",
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
    types: dict[str, Any] = {name: bind.type for name, bind in statement._bindparams.items()}

    def given(match: re.Match[str]) -> str:
        name = match[1]
        cast = next((sql for kind, sql in _CASTS.items() if isinstance(types[name], kind)), "text")
        return _GIVEN.get(name, f":{name}::{cast}")

    one_line = " ".join(statement.text.split())
    return re.sub(r"(?<![:\w]):(\w+)", given, one_line)
