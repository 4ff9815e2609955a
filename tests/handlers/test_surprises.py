"""What nobody planned: the person gets a reference, the others go on, nothing is half done."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot import inbox
from bot.turn import reading
from services import chats
from tests.handlers.marketplace import Marketplace


async def break_campaigns(market: Marketplace) -> None:
    """Let every change of a campaign fail in a way that no handler knows."""
    await market.database.as_owner(
        "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN RAISE EXCEPTION 'secret words'; END $$"
    )
    await market.database.as_owner(
        "CREATE TRIGGER broken BEFORE UPDATE ON campaigns FOR EACH ROW EXECUTE FUNCTION broken()"
    )


async def test_an_unexpected_error_is_an_apology_with_a_reference(market: Marketplace) -> None:
    await market.make_campaign(active=False)
    await break_campaigns(market)
    told = await market.press("advertiser", "🚀 Activate")
    assert "went wrong on our side" in told
    assert "secret words" not in told
    assert await market.value("SELECT status FROM campaigns") == "draft"
    (failed,) = await market.rows("SELECT last_error FROM inbox WHERE failed_at IS NOT NULL")
    assert "secret" not in failed["last_error"]
    await market.say("advertiser", "/start")
    assert "Welcome" in await market.last("advertiser")


async def test_a_screen_that_cannot_be_edited_is_sent_anew(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.world.control(
        "faults",
        method="editMessageText",
        kind="error",
        error_code=400,
        description="Bad Request: message can't be edited",
    )
    await market.press("advertiser", "💰 Wallet")
    assert "Available" in await market.last("advertiser")


async def test_an_answer_that_telegram_loses_undoes_nothing(market: Marketplace) -> None:
    await market.make_campaign(active=False)
    for method in ("editMessageText", "answerCallbackQuery", "sendMessage"):
        await market.world.control("faults", method=method, kind="refuse_before", times=5)
    await market.press("advertiser", "🚀 Activate", wait=False)
    assert await market.value("SELECT status FROM campaigns") == "active"
    assert await market.value("SELECT count(*) FROM inbox WHERE failed_at IS NOT NULL") == 0


async def test_a_screens_transaction_cannot_write(market: Marketplace) -> None:
    beat = "INSERT INTO heartbeats (owner, name) VALUES ('test', 'test')"
    with pytest.raises(DBAPIError, match="read-only"):
        async with reading(market.database.sessions) as session:
            await session.execute(text(beat))
    async with market.database.sessions.begin() as session:
        # The connection went back to the pool as it was.
        await session.execute(text(beat))


async def test_a_payment_that_telegram_takes_back_is_taken_from_the_wallet(
    market: Marketplace,
) -> None:
    await market.give("advertiser", 70)
    person = {"id": market.chat("advertiser"), "is_bot": False, "first_name": "A"}
    taken: dict[str, Any] = {
        "message_id": 1,
        "date": 1,
        "chat": {"id": person["id"], "type": "private"},
        "from": person,
        "refunded_payment": {
            "currency": "XTR",
            "total_amount": 70,
            "invoice_payload": "topup:1:x",
            "telegram_payment_charge_id": "reversed",
        },
    }
    payment = dict(taken["refunded_payment"], provider_payment_charge_id="outside")
    paid = {key: value for key, value in taken.items() if key != "refunded_payment"}
    paid["successful_payment"] = payment
    for update_id, message in enumerate((paid, taken, taken), start=1):
        update = {"update_id": update_id, "message": message}
        await inbox.store(market.database.sessions, [update])
        market.worker.wake()
        await market.settle()
    await market.deliver()
    assert "70" in await market.last("group")
    wallet = (
        "SELECT balance FROM wallets w JOIN users u ON u.id = w.user_id"
        " WHERE w.kind = 'user' AND u.telegram_id = :person"
    )
    assert await market.value(wallet, person=person["id"]) == 70
    assert await market.value("SELECT status FROM deposits ORDER BY id DESC LIMIT 1") == (
        "clawed_back"
    )
    assert await market.value("SELECT count(*) FROM clawbacks") == 1


async def test_the_admin_chat_is_followed_when_it_moves(market: Marketplace) -> None:
    old, new = market.chat("group"), -1_009_999_999_999
    person = {"id": market.chat("admin"), "is_bot": False, "first_name": "A"}
    moved = {
        "message_id": 1,
        "date": 1,
        "chat": {"id": old, "type": "group", "title": "T"},
        "from": person,
        "migrate_to_chat_id": new,
    }
    await inbox.store(market.database.sessions, [{"update_id": 1, "message": moved}])
    market.worker.wake()
    await market.settle()
    assert market.wiring.admin_chat_id == new
    async with market.database.sessions.begin() as session:
        assert await chats.current_chat(session, old) == new


async def test_new_posts_in_a_channel_are_counted(market: Marketplace) -> None:
    await market.connect_channel()
    posted = await market.world.control(
        f"chats/{market.chat('channel')}/post", user_id=market.chat("owner"), text="news"
    )
    await market.settle()
    assert await market.value("SELECT last_message_id FROM channels") == posted["message_id"]


async def test_what_is_posted_without_the_bot_is_not_heard_of(market: Marketplace) -> None:
    """Then its highest id says nothing about what is below a new one."""
    channel = market.chat("channel")
    await market.connect_channel()
    await market.world.control(f"chats/{channel}/post", user_id=market.chat("owner"), text="news")
    await market.world.control(f"chats/{channel}/members", user_id="bot", status="left")
    await market.settle()
    assert await market.value("SELECT last_message_id FROM channels") == 0


async def test_a_payment_survives_an_error_of_ours(market: Marketplace) -> None:
    person = {"id": market.chat("advertiser"), "is_bot": False, "first_name": "A"}
    paid = {
        "message_id": 1,
        "date": 1,
        "chat": {"id": person["id"], "type": "private"},
        "from": person,
        "successful_payment": {
            "currency": "USD",
            "total_amount": 10_000,
            "invoice_payload": "topup:1:x",
            "telegram_payment_charge_id": "charge",
            "provider_payment_charge_id": "provider",
        },
    }
    await market.database.as_owner("ALTER TABLE deposits RENAME TO deposits_away")
    await inbox.store(market.database.sessions, [{"update_id": 1, "message": paid}])
    market.worker.wake()
    async with asyncio.timeout(60):
        taken = "SELECT attempts FROM inbox WHERE update_id = 1"
        while not await market.value(taken):  # noqa: ASYNC110 - a table
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    await market.database.as_owner("ALTER TABLE deposits_away RENAME TO deposits")
    await market.settle()
    assert await market.value("SELECT status FROM deposits") == "credited"


async def test_a_press_from_before_a_long_restart_is_carried_out_without_an_apology(
    market: Marketplace,
) -> None:
    await market.make_campaign(active=False)
    await market.world.control(
        "faults",
        method="answerCallbackQuery",
        kind="error",
        error_code=400,
        description="Bad Request: query is too old and response timeout expired"
        " or query ID is invalid",
    )
    await market.press("advertiser", "🚀 Activate", wait=False)
    assert "Status: active" in await market.last("advertiser")


async def test_a_pre_checkout_is_answered_whatever_happens(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "➕ Top up")  # noqa: RUF001 - the button's text
    await market.say("advertiser", "100")
    await market.database.as_owner("ALTER TABLE kill_switches RENAME TO kill_switches_away")
    paid = await market.pay("advertiser")
    await market.database.as_owner("ALTER TABLE kill_switches_away RENAME TO kill_switches")
    assert not paid["ok"]
    assert "try again in a minute" in paid["error_message"]
