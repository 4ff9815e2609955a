"""One mutant at a time against the tests, each in a forked process, on one server for all.

Run by `python -m tests.mutants`: orders come in by lines of JSON, verdicts go out the same way.
A fork has the libraries loaded and the server running, so that a trial costs what its tests cost.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy.ext.asyncio  # noqa: F401 - loaded once, for every fork
import structlog  # noqa: F401 - likewise

from sandbox import embedded
from tests.conftest import ROLLED_BACK, RUNNING
from tests.embedded_fixture import (
    address_of,
    clone_database,
    drop_database,
    start_test_postgres,
    stop_test_postgres,
)
from tests.factories.business import BUSINESS, TO_BREAK
from tests.mutants import database, source
from tests.mutants.coverage import Reach, Verdict
from tests.mutants.mutant import Mutant

PRISTINE = "adtech_pristine"
TREE = ("bot", "db", "handlers", "migrations", "sandbox", "scheduler", "services", "tests")
NOT_COPIED = (".git", ".venv", ".local", ".hypothesis", ".*_cache", "__pycache__", "build")
OPTIONS = [
    *("-x", "-q", "--no-header", "--tb=short", "-p", "no:cacheprovider", "-p", "no:xdist"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # of what is loaded before the fork
]
TIMED_OUT = "time limit"
STORIES = "40"
"""Of the state machine, which comes after all that is quicker."""


def main(root: Path, scratch: Path) -> None:
    """Serve orders until standard input ends."""
    tree = scratch / "tree"
    _copy(root, tree)
    server = start_test_postgres(scratch / "postgres")
    os.environ["ADTECH_TEST_SERVER"] = address_of(server)
    os.environ["ADTECH_STATE_MACHINE_EXAMPLES"] = STORIES
    try:
        subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", "head"],
            cwd=root,
            env=os.environ | {"MIGRATION_DATABASE_URL": server.dsn(embedded.OWNER)},
            check=True,
        )
        asyncio.run(clone_database(server, embedded.DATABASE, PRISTINE))
        _say({"ready": True})
        for line in sys.stdin:
            order = json.loads(line)
            _say(_serve(order, server, root, tree, scratch))
    finally:
        stop_test_postgres(server)


def _serve(
    order: dict[str, Any], server: embedded.Postgres, root: Path, tree: Path, scratch: Path
) -> dict[str, Any]:
    if order["do"] == "list":
        return {"mutants": [vars(mutant) for mutant in _list(server, root)]}
    if order["do"] == "reach":
        return _forked(tree, scratch, order["tests"], order["limit"], reach=True)
    begun = time.monotonic()
    _arm(order, server, tree)
    try:
        for tests in order["rounds"]:
            verdict = _try(tree, scratch, tests, order["limit"])
            if verdict["killer"] is not None:
                break
    finally:
        if order["where"] == "source":
            shutil.copyfile(root / order["place"], tree / order["place"])
    return verdict | {"seconds": round(time.monotonic() - begun, 1)}


def _try(tree: Path, scratch: Path, tests: list[str], limit: float) -> dict[str, Any]:
    """Run tests until one fails, and it once more alone: what fails by itself is no killer."""
    while True:
        verdict = _forked(tree, scratch, tests, limit, reach=False)
        killer = verdict["killer"]
        if killer not in tests or _forked(tree, scratch, [killer], limit, reach=False)["killer"]:
            return verdict
        tests = tests[tests.index(killer) + 1 :]
        if not tests:
            return verdict | {"killer": None}


def _list(server: embedded.Postgres, root: Path) -> list[Mutant]:
    async def of_database() -> list[Mutant]:
        connection = await asyncpg.connect(server.dsn(embedded.OWNER, PRISTINE))
        try:
            return [
                mutant
                for mutant in await database.find(connection)
                if await database.droppable(connection, mutant)
            ]
        finally:
            await connection.close()

    # What is likeliest to survive comes first: guards in code, before the schema's own.
    return source.find(root) + asyncio.run(of_database())[::-1]


def _arm(order: dict[str, Any], server: embedded.Postgres, tree: Path) -> None:
    """Put the mutant where the tests will meet it, and nothing else with it."""
    if order["where"] == "source":
        (tree / order["place"]).write_text(order["change"])
        asyncio.run(_template(server, None))
    else:
        asyncio.run(_template(server, order["change"]))


_current: list[str | None] = ["nothing yet"]


async def _template(server: embedded.Postgres, change: str | None) -> None:
    """Make the template `adtech` anew, with a statement of its owner's run on it."""
    if _current[0] == change:
        return
    connection = await asyncpg.connect(server.dsn(embedded.SUPERUSER, "postgres"))
    try:
        names = await connection.fetch(
            "SELECT datname FROM pg_database WHERE datname LIKE 'test_%' OR datname LIKE 'empty_%'"
            " OR datname LIKE 'migrated_%' OR datname = ANY ($1)",
            [RUNNING, ROLLED_BACK, BUSINESS, TO_BREAK, embedded.DATABASE],
        )
    finally:
        await connection.close()
    for row in names:
        await drop_database(server, row["datname"])
    await clone_database(server, PRISTINE, embedded.DATABASE)
    if change is not None:
        owner = await asyncpg.connect(server.dsn(embedded.OWNER))
        try:
            await owner.execute(change)
        finally:
            await owner.close()
    _current[0] = change


def _forked(
    tree: Path, scratch: Path, tests: list[str], limit: float, *, reach: bool
) -> dict[str, Any]:
    """Run tests in a fork, with its words in a file; a fork over its limit is a kill as well."""
    answer = scratch / "answer.json"
    answer.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        try:
            _in_the_fork(tree, scratch, answer, tests, reach=reach)
        finally:
            os._exit(0)
    deadline = time.monotonic() + limit
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > deadline:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return {"killer": TIMED_OUT, "why": f"over {limit:.0f} s", "tests": 0}
        time.sleep(0.02)
    if os.WIFSIGNALED(ended[1]):
        raise SystemExit("somebody ended a trial: that is no verdict")
    if not answer.exists():
        return {"killer": "pytest", "why": "the process of the tests died", "tests": 0}
    said: dict[str, Any] = json.loads(answer.read_text())
    return said


def _in_the_fork(tree: Path, scratch: Path, answer: Path, tests: list[str], *, reach: bool) -> None:
    """Become a process of the mutated tree, run its tests, and end."""
    os.setpgid(0, 0)
    words = os.open(scratch / "pytest.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(words, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(tree)
    sys.path[0] = str(tree)
    for name in [name for name in sys.modules if name.split(".")[0] in TREE]:
        del sys.modules[name]
    verdict, watch = Verdict(), Reach(tree)
    plugins: list[object] = [verdict, watch] if reach else [verdict]
    options = [option for option in OPTIONS if not (reach and option == "-x")]
    code = pytest.main([*options, *tests], plugins=plugins)
    said: dict[str, Any] = {
        "killer": verdict.killer,
        "why": verdict.why.strip().splitlines()[:1],
        "tests": verdict.tests,
    }
    if verdict.killer is None and code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        said["killer"] = f"pytest ended with {int(code)}"
    if reach:
        said["reach"] = {test: sorted(places) for test, places in watch.entered.items()}
        said["times"] = watch.seconds
    answer.write_text(json.dumps(said))


def _copy(root: Path, tree: Path) -> None:
    shutil.copytree(root, tree, ignore=shutil.ignore_patterns(*NOT_COPIED))


def _say(words: dict[str, Any]) -> None:
    print(json.dumps(words), flush=True)  # noqa: T201 - the line that is waited for


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
