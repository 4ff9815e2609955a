"""Test `adtech trace`, which finds what belongs to a support number."""

import json

from db import correlation
from services.platform import audit, outbox
from services.platform.actors import SYSTEM
from tests.conftest import Database
from tests.shell import shell_of


async def test_a_number_finds_its_rows_and_what_continued_them(database: Database) -> None:
    async with database.sessions.begin() as session:
        await outbox.add(session, user_id=None, kind="unrelated", payload={})
    with correlation.correlated("5f0c1d2e3a4b"):
        async with database.sessions.begin() as session:
            await audit.record(session, actor=SYSTEM, action="begun", role="system")
    with correlation.correlated("tick-1", origin="5f0c1d2e3a4b"):
        async with database.sessions.begin() as session:
            await audit.record(session, actor=SYSTEM, action="continued", role="system")
            await outbox.add(session, user_id=None, kind="told", payload={})
    ran = await shell_of(database).adtech("trace", " 5f0c1d2e3a4b ", "--json")
    assert ran.status == 0
    found = [(row["row"], row["what"], row["correlation_id"]) for row in json.loads(ran.out)]
    assert found == [
        ("audit", "begun", "5f0c1d2e3a4b"),
        ("audit", "continued", "tick-1"),
        ("message", "told", "tick-1"),
    ]
    ran = await shell_of(database).adtech("trace", "tick-1", "--csv")
    assert "5f0c1d2e3a4b" in ran.out, "the later work names the earlier one"


async def test_an_unknown_number_says_what_to_do(database: Database) -> None:
    ran = await shell_of(database).adtech("trace", "000000000000")
    assert (ran.status, "search the log" in ran.err) == (1, True), ran.said
    ran = await shell_of(database).adtech("trace", "'; DROP")
    assert (ran.status, "is no support number" in ran.err) == (2, True), ran.said
