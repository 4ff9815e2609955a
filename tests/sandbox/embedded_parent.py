"""Run the sandbox's PostgreSQL and Valkey in a parent process that tests can kill."""

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg

from sandbox import processes

ROOT = Path(__file__).parents[2]

# This parent process starts both servers in a folder, prints their facts, and waits.
PARENT = textwrap.dedent("""
    import asyncio, json, os, sys
    from pathlib import Path
    from sandbox import embedded
    from sandbox.telegram.startup_errors import CannotStart

    async def main(folder):
        async with embedded.postgres(folder / "postgres") as postgres, \\
                   embedded.valkey(folder / "valkey") as valkey:
            found = {"postgres": postgres.child.pid, "valkey": valkey.child.pid,
                     "owner": postgres.dsn("adtech_owner"), "url": valkey.url}
            print(json.dumps(found), flush=True)
            await asyncio.to_thread(sys.stdin.readline)

    try:
        asyncio.run(main(Path(sys.argv[1])))
    except CannotStart as error:
        sys.exit(str(error))
""")


def start_parent(folder: Path, *prefix: str, packages: Path | None = None) -> subprocess.Popen[str]:
    """Start a parent process that runs both servers in `folder`."""
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", PARENT, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": f"{packages or ROOT}:{ROOT}", "PATH": os.defpath},
    )


def read_facts(process: subprocess.Popen[str]) -> dict[str, str]:
    """Wait until both servers run, and return their process ids and URLs."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    found: dict[str, str] = json.loads(line)
    return found


def until(condition: Callable[[], bool], limit: float = 60) -> None:
    """Wait at most `limit` seconds until `condition` is true."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def no_server_left(folder: Path) -> bool:
    return not processes.in_folder(folder / "postgres/data") + processes.in_folder(
        folder / "valkey"
    )


async def rows(dsn: str, sql: str) -> list[tuple[object, ...]]:
    """Return the rows of one statement."""
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()
