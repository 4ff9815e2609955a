"""Test what happens to updates that the database refuses to store."""

import json
import math

import pytest

from bot import storing_updates
from bot.context import DatabaseAwayError
from tests.bot.test_inbox_worker import message, payment
from tests.handlers.marketplace import Marketplace
from tests.shell import shell_of


async def _refuse(market: Marketplace, sqlstate: str, update_id: int) -> None:
    """Make the database refuse this update with this SQLSTATE."""
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
        await storing_updates.store(market.database.sessions, list(updates))
    assert await market.rows("SELECT id FROM inbox") == []
    await market.database.as_owner("DROP TRIGGER refused ON inbox")
    await storing_updates.store(market.database.sessions, list(updates))
    assert len(await market.rows("SELECT id FROM inbox")) == 2


async def test_only_the_update_with_bad_data_is_set_aside(market: Marketplace) -> None:
    await _refuse(market, "22003", 1)
    updates = [message(1, 1, "bad"), message(2, market.chat("advertiser"), "/start")]
    await storing_updates.store(market.database.sessions, list(updates))
    market.worker.wake()
    await market.settle()
    assert "Welcome" in await market.last("advertiser")
    rows = await market.rows("SELECT update_id, last_error FROM inbox ORDER BY update_id")
    assert [row["last_error"] for row in rows] == ["refused by the database", None]
    listed = await shell_of(market.database).adtech("parked-updates")
    assert "refused by the database" in listed.said
    kept = await market.value("SELECT payload->>'set_aside' FROM inbox WHERE update_id = 1")
    assert json.loads(kept)["message"]["text"] == "bad"
    await market.deliver()
    assert "adtech parked-updates" in await market.last("group")


async def test_many_parked_updates_give_one_notice(market: Marketplace) -> None:
    strange = [{"update_id": number, "message": {"chat": {"id": number}}} for number in range(1, 9)]
    await storing_updates.store(market.database.sessions, list(strange))
    market.worker.wake()
    await market.settle()
    assert await market.value("SELECT count(*) FROM inbox WHERE failed_at IS NOT NULL") == 8
    assert await market.value("SELECT count(*) FROM outbox WHERE kind = 'updates_parked'") == 1


async def test_values_that_postgresql_cannot_store_cost_no_other_part(market: Marketplace) -> None:
    chat_id = market.chat("advertiser")
    strange = message(1, chat_id, "/help \x00 \ud800")
    strange["message"] |= {"date": 1, "longitude": math.inf, "x": math.nan}
    far = message(2, 10**30, "from nowhere")
    await storing_updates.store(market.database.sessions, [strange, far])
    market.worker.wake()
    await market.settle()
    assert "How it works" in await market.last("advertiser")
    rows = await market.rows("SELECT lane, payload ? 'message' AS kept FROM inbox ORDER BY id")
    assert rows[1] == {"lane": 0, "kept": True}
