"""Test what happens to updates from Telegram that the database refuses to store.

An error about the data of one update sets only this update aside. An error of the server makes all
updates wait, and no update is confirmed to Telegram.
"""

import pytest

from bot import inbox_worker
from bot.context import DatabaseAwayError
from tests.bot.test_inbox_worker import message, payment
from tests.handlers.marketplace import Marketplace


async def _refuse(market: Marketplace, sqlstate: str, update_id: int) -> None:
    """Make the database refuse the content of one update with this SQLSTATE."""
    await market.database.as_owner(
        "CREATE OR REPLACE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF NEW.update_id = {update_id} AND NEW.payload ? 'message'"
        f" THEN RAISE EXCEPTION 'refused' USING ERRCODE = '{sqlstate}'; END IF;"
        " RETURN NEW; END $$"
    )
    await market.database.as_owner(
        "CREATE OR REPLACE TRIGGER refused BEFORE INSERT ON inbox"
        " FOR EACH ROW EXECUTE FUNCTION refused()"
    )


@pytest.mark.parametrize("sqlstate", ["53100", "53200", "25006", "42P01", "58030"])
async def test_nothing_is_confirmed_while_the_server_cannot_store(
    market: Marketplace, sqlstate: str
) -> None:
    updates = [payment(1, market.chat("advertiser")), message(2, market.chat("owner"), "/start")]
    await _refuse(market, sqlstate, 1)
    with pytest.raises(DatabaseAwayError):
        await inbox_worker.store(market.database.sessions, list(updates))
    assert await market.rows("SELECT id FROM inbox") == []
    await market.database.as_owner("DROP TRIGGER refused ON inbox")
    await inbox_worker.store(market.database.sessions, list(updates))
    assert len(await market.rows("SELECT id FROM inbox")) == 2


async def test_only_the_update_with_bad_data_is_set_aside(market: Marketplace) -> None:
    await _refuse(market, "22003", 1)
    updates = [message(1, 1, "bad"), message(2, market.chat("advertiser"), "/start")]
    await inbox_worker.store(market.database.sessions, list(updates))
    market.worker.wake()
    await market.settle()
    assert "Welcome" in await market.last("advertiser")
    rows = await market.rows("SELECT update_id, last_error FROM inbox ORDER BY update_id")
    assert [row["last_error"] for row in rows] == ["of an unknown kind", None]
