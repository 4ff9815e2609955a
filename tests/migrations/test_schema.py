"""Test that `db/schema.sql` and `db/functions` match a migrated database."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from migrations import functions, schema
from sandbox import embedded
from services.platform import guards
from tests.embedded_fixture import clone_database, drop_database

FUNCTIONS = functions.ROOT / "db" / "functions"
DEFINITIONS = """
    SELECT proname, pg_get_functiondef(oid) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace ORDER BY proname
"""


@pytest.fixture
async def migrated_url(server: embedded.Postgres) -> AsyncIterator[str]:
    """Yield the URL of a newly migrated database, in the role of the tables' owner."""
    # Mutants change the tests' template, so the database is not a copy of this template.
    name = f"empty_{uuid4().hex}"
    await clone_database(server, "template0", name)
    url = server.dsn(embedded.OWNER, name)
    await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=functions.ROOT,
        env=os.environ | {"MIGRATION_DATABASE_URL": url},
        check=True,
    )
    yield url
    await drop_database(server, name)


@pytest.fixture
async def migrated(migrated_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection to a newly migrated database, in the role of the tables' owner."""
    connection = await asyncpg.connect(migrated_url)
    yield connection
    await connection.close()


async def test_the_generated_schema_is_up_to_date(migrated: asyncpg.Connection) -> None:
    assert await schema.describe(migrated) == schema.FILE.read_text(), "run `make schema`"


async def test_the_generated_guards_are_up_to_date(
    server: embedded.Postgres, migrated_url: str
) -> None:
    empty = f"empty_{uuid4().hex}"
    await clone_database(server, "template0", empty)
    described = await schema.describe_guards(migrated_url, server.dsn(embedded.OWNER, empty))
    await drop_database(server, empty)
    assert json.loads(described)["guards"] == guards.release(), "run `make schema`"


async def test_every_function_runs_as_its_file_says(migrated: asyncpg.Connection) -> None:
    running = [tuple(row) for row in await migrated.fetch(DEFINITIONS)]
    files = sorted(FUNCTIONS.glob("*.sql"))
    assert [path.stem for path in files] == [name for name, _ in running]
    for path in files:
        await migrated.execute(path.read_text())
    assert [tuple(row) for row in await migrated.fetch(DEFINITIONS)] == running


def test_every_function_file_is_one_documented_statement() -> None:
    for path in FUNCTIONS.glob("*.sql"):
        comment = re.match(r"(-- .*\n)+", path.read_text())
        assert comment, path
        assert "Locks: " in comment[0], path
        assert "Raises: " in comment[0], path
        rest = path.read_text()[comment.end() :]
        assert rest.startswith(f"CREATE OR REPLACE FUNCTION {path.stem}("), path
        assert rest.count("CREATE OR REPLACE FUNCTION") == 1 or path.stem == "restart_ledger_txn"


def test_every_refusal_has_a_code_and_a_message_of_its_own_and_is_registered() -> None:
    raised = {}
    for path in FUNCTIONS.glob("*.sql"):
        text = path.read_text()
        found = re.findall(r"RAISE EXCEPTION '([^']+)'.*?ERRCODE = '(\w+)'", text, re.DOTALL)
        assert len(found) == text.count("RAISE EXCEPTION"), path
        for message, state in found:
            assert state not in raised, state
            raised[state] = (message, path.stem)
            assert f"{state}" in text.partition("CREATE OR REPLACE")[0], (path, state)
    assert len({message for message, _ in raised.values()}) == len(raised)
    table = re.findall(
        r"^\| (AD\d{3}) \| (.+?) \| `(\w+)` \|$",
        (FUNCTIONS / "README.md").read_text(),
        re.MULTILINE,
    )
    assert {state: (message, name) for state, message, name in table} == raised


def test_a_revision_refuses_another_text_than_it_was_written_for(tmp_path: Path) -> None:
    def write(place: str, text: str) -> None:
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    write("db/functions/clock.sql", "of 0005 and later")
    write("db/functions/repair.sql", "never changed")
    write("migrations/replaced/0003/clock.sql", "of 0001 and 0002")
    write("migrations/replaced/0005/clock.sql", "of 0003 and 0004")
    write("migrations/replaced/0004/other.sql", "dropped in 0004")
    found = {
        revision: functions.text("clock", revision, root=tmp_path)
        for revision in ("0001", "0002", "0003", "0004", "0005", "0006")
    }
    assert found == {
        "0001": "of 0001 and 0002",
        "0002": "of 0001 and 0002",
        "0003": "of 0003 and 0004",
        "0004": "of 0003 and 0004",
        "0005": "of 0005 and later",
        "0006": "of 0005 and later",
    }
    assert functions.text("repair", "0001", root=tmp_path) == "never changed"
    assert functions.text("other", "0003", root=tmp_path) == "dropped in 0004"
    with pytest.raises(FileNotFoundError):
        functions.text("other", "0004", root=tmp_path)
