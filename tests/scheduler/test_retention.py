"""Test that the tick `purge` goes on after an error, and continues where it stopped."""

from datetime import timedelta

from scheduler.retention import Retention
from tests.conftest import Database
from tests.factories import rows

KEEP = timedelta(days=90)


async def _add_old_rows(database: Database) -> None:
    """Add an old message, and an old check of the ledger that a later one has replaced."""
    await database.as_owner(
        "INSERT INTO outbox (kind, payload) VALUES ('x', '{}');"
        " UPDATE outbox SET status = 'sent', sent_at = clock() WHERE kind = 'x';"
        " INSERT INTO ledger_checkpoints (violations, details, progress)"
        """ SELECT 0, '{}', '{"horizon": 1}' FROM generate_series(1, 2)"""
    )
    await database.forward(KEEP + timedelta(days=1))


async def _left(database: Database) -> tuple[int, int]:
    async with database.sessions.begin() as session:
        return (
            await rows.one(session, "SELECT count(*) FROM outbox WHERE kind = 'x'"),
            await rows.one(session, "SELECT count(*) FROM ledger_checkpoints"),
        )


async def test_an_error_in_one_table_does_not_stop_the_others(database: Database) -> None:
    await _add_old_rows(database)
    await database.as_owner("DROP FUNCTION purge_outbox(interval, integer)")
    await Retention(database.sessions, KEEP).run()
    assert await _left(database) == (1, 1)


async def test_a_second_run_finds_nothing_more(database: Database) -> None:
    await _add_old_rows(database)
    purge = Retention(database.sessions, KEEP)
    await purge.run()
    assert await _left(database) == (0, 1)
    await purge.run()
    assert await _left(database) == (0, 1)
