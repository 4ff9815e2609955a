"""Run the tests against one mutant at a time. Commands and answers are lines of JSON."""

import asyncio
import gc
import importlib
import importlib.metadata
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
from tests.mutants.coverage import Coverage, Verdict
from tests.mutants.mutant import Mutant

PRISTINE = "adtech_pristine"
PRODUCT = ("bot", "db", "handlers", "scheduler", "services")
TREE = (*PRODUCT, "migrations", "sandbox", "tests")
NOT_COPIED = (".git", ".venv", ".local", ".hypothesis", ".*_cache", "__pycache__", "build")
OPTIONS = [
    *("-x", "-q", "--no-header", "--tb=short", "-p", "no:cacheprovider", "-p", "no:xdist"),
    *(
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
    ),  # about modules that were loaded before the fork
]
TIMED_OUT = "time limit"
# The module knows the names of aiogram's models. A second import would lose these names, because
# the process does not import aiogram again.
KEPT = "bot.deferred_models"
"""The only module of the product that a forked process does not import again."""
EXAMPLES = "40"
"""The number of random sequences in the state machine test."""


def main(root: Path, scratch: Path) -> None:
    """Copy the source tree, start a PostgreSQL server, and run commands until the input ends."""
    tree = scratch / "tree"
    _copy(root, tree)
    _import_product(tree)
    server = start_test_postgres(scratch / "postgres")
    os.environ["ADTECH_TEST_SERVER"] = address_of(server)
    os.environ["ADTECH_STATE_MACHINE_EXAMPLES"] = EXAMPLES
    try:
        subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", "head"],
            cwd=root,
            env=os.environ | {"MIGRATION_DATABASE_URL": server.dsn(embedded.OWNER)},
            check=True,
        )
        asyncio.run(clone_database(server, embedded.DATABASE, PRISTINE))
        _write({"ready": True})
        for line in sys.stdin:
            command = json.loads(line)
            _write(_serve(command, server, root, tree, scratch))
    finally:
        stop_test_postgres(server)


def _serve(
    command: dict[str, Any], server: embedded.Postgres, root: Path, tree: Path, scratch: Path
) -> dict[str, Any]:
    if command["do"] == "list":
        return {"mutants": [vars(mutant) for mutant in _list(server, root)]}
    if command["do"] == "coverage":
        asyncio.run(_reset_template(server, None))
        return _record(tree, scratch, command["tests"], command["limit"])
    is_source = command["where"] == "source"
    _apply(command, server, tree)
    try:
        return _run_tests(tree, scratch, command["tests"], command["limit"], is_source=is_source)
    finally:
        if is_source:
            shutil.copyfile(root / command["location"], tree / command["location"])


def _record(tree: Path, scratch: Path, tests: list[str], limit: float) -> dict[str, Any]:
    """Run tests, and record which functions they call. Return a killer only if a test is wrong.

    The record makes all calls slower, so a test that measures its own CPU time may fail because of
    it. Therefore, after a failure, the tests run again without the record.
    """
    recorded = _forked(tree, scratch, tests, limit, is_source=False, coverage=True)
    if "functions" in recorded and recorded["killer"] is not None:
        recorded["killer"] = _forked(tree, scratch, tests, limit, is_source=False)["killer"]
    return recorded


def _run_tests(
    tree: Path, scratch: Path, tests: list[str], limit: float, *, is_source: bool
) -> dict[str, Any]:
    """Run tests until one test fails two times, the second time alone."""
    while True:
        verdict = _forked(tree, scratch, tests, limit, is_source=is_source)
        killer = verdict["killer"]
        if killer not in tests:
            return verdict
        if _forked(tree, scratch, [killer], limit, is_source=is_source)["killer"]:
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

    # Guards in code come first: their mutants are more likely to survive than the schema's.
    return source.find(root) + asyncio.run(of_database())[::-1]


def _apply(command: dict[str, Any], server: embedded.Postgres, tree: Path) -> None:
    """Undo the previous mutant of the database, and apply the mutant of the command."""
    if command["where"] == "source":
        (tree / command["location"]).write_text(command["change"])
        asyncio.run(_reset_template(server, None))
    else:
        asyncio.run(_reset_template(server, command["change"]))


_template_change: list[str | None] = ["nothing yet"]


async def _reset_template(server: embedded.Postgres, change: str | None) -> None:
    """Restore the template database, and run `change` in the role of the tables' owner."""
    if _template_change[0] == change:
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
    _template_change[0] = change


def _forked(
    tree: Path,
    scratch: Path,
    tests: list[str],
    limit: float,
    *,
    is_source: bool,
    coverage: bool = False,
) -> dict[str, Any]:
    """Run tests in a forked process for at most `limit` seconds, and return the result.

    If `is_source`, the process imports the product again, because a file of the product differs.
    Raises SystemExit if another program ended the process.
    """
    answer_file = scratch / "answer.json"
    answer_file.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        try:
            # A second import of the product must find no metrics of the first one.
            _forget_modules((*TREE, "prometheus_client") if is_source else ("tests",))
            # Python would mistake the bytecode of one mutant for another one of the same second.
            sys.dont_write_bytecode = is_source
            _in_the_fork(tree, scratch, answer_file, tests, coverage=coverage)
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
        raise SystemExit("somebody else killed the fork: that is no verdict")
    if not answer_file.exists():
        return {"killer": "pytest", "why": "the process of the tests died", "tests": 0}
    answer: dict[str, Any] = json.loads(answer_file.read_text())
    return answer


def _in_the_fork(
    tree: Path, scratch: Path, answer_file: Path, tests: list[str], *, coverage: bool
) -> None:
    """Run tests in this forked process, and write the result to `answer_file`."""
    os.setpgid(0, 0)
    output = os.open(scratch / "pytest.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(tree)
    sys.path[0] = str(tree)
    verdict, coverage_plugin = Verdict(), Coverage(tree)
    plugins: list[object] = [verdict, coverage_plugin] if coverage else [verdict]
    options = [option for option in OPTIONS if not (coverage and option == "-x")]
    code = pytest.main([*options, *tests], plugins=plugins)
    answer: dict[str, Any] = {
        "killer": verdict.killer,
        "why": verdict.why.strip().splitlines()[:1],
        "tests": verdict.tests,
    }
    if verdict.killer is None and code in {
        pytest.ExitCode.INTERRUPTED,
        pytest.ExitCode.INTERNAL_ERROR,
    }:
        answer["killer"] = f"pytest ended with {int(code)}"
    elif verdict.killer is None and code != pytest.ExitCode.OK:
        # The tests did not run, for example because pytest does not find one. Nothing is proven.
        answer["why"] = [f"pytest ended with {int(code)}"]
    if coverage:
        answer["functions"] = {
            test: sorted(names) for test, names in coverage_plugin.functions.items()
        }
        answer["times"] = coverage_plugin.seconds
    answer_file.write_text(json.dumps(answer))


def _import_product(tree: Path) -> None:
    """Import the copied product and the plugins of pytest, so that most forks need not."""
    sys.dont_write_bytecode = False
    sys.path[0] = str(tree)
    _forget_modules(TREE)
    for folder in PRODUCT:
        for path in sorted((tree / folder).rglob("*.py")):
            if path.stem not in {"__init__", "__main__"}:
                name = ".".join(path.relative_to(tree).with_suffix("").parts)
                importlib.import_module(name)
    for plugin in importlib.metadata.entry_points(group="pytest11"):
        plugin.load()
    # The collections of the forks need not look at all these objects.
    gc.collect()
    gc.freeze()


def _forget_modules(packages: tuple[str, ...]) -> None:
    """Let Python import the modules of some packages again."""
    for name in list(sys.modules):
        if name.split(".")[0] in packages and name != KEPT:
            del sys.modules[name]


def _copy(root: Path, tree: Path) -> None:
    shutil.copytree(root, tree, ignore=shutil.ignore_patterns(*NOT_COPIED))


def _write(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
