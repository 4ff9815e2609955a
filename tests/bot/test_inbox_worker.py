"""Test that each update is handled once and in order."""

# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from bot import inbox_worker, outages, storing_updates
from bot.context import UpdateResult
from bot.handler_slots import HandlerSlots
from bot.telegram import sender
from bot.throttle import Throttle
from db.models.users import Role
from db.session import create_engine, create_sessions
from handlers import routers
from services.platform import inbox as inbox_rows
from tests.conftest import Database
from tests.factories.statements import recorded
from tests.handlers.marketplace import Marketplace, open_marketplace, running_bot
from tests.sandbox.telegram.raw_world import begin
from tests.shell import shell_of


def update(number: int, **content: object) -> dict[str, object]:
    return {"update_id": number, **content}


def message(number: int, chat_id: int, text: str) -> dict[str, Any]:
    person = {"id": chat_id, "is_bot": False, "first_name": "A"}
    chat = {"id": chat_id, "type": "private"}
    return update(
        number,
        message={"message_id": number, "date": 1, "chat": chat, "from": person, "text": text},
    )


async def test_a_malformed_update_is_parked_and_delays_no_other(market: Marketplace) -> None:
    await storing_updates.store(
        market.database.sessions,
        [
            update(1, message={"chat": {"id": market.chat("advertiser")}, "date": "never"}),
            update(2, something_new={"id": 1}),
            message(3, market.chat("advertiser"), "NUL \x00 here"),
            {"update_id": "not a number"},
            {"update_id": 10**30},
            message(4, 10**30, "from nowhere"),
            message(5, market.chat("advertiser"), "/start"),
        ],
    )
    market.worker.wake()
    await market.settle()
    assert "Welcome" in await market.last("advertiser")
    rows = await market.rows("SELECT update_id, done_at IS NOT NULL AS done, last_error FROM inbox")
    assert len(rows) == 5
    found = {row["update_id"]: (row["done"], row["last_error"]) for row in rows}
    assert found[1] == (False, "malformed")
    assert found[2] == (False, "of an unknown kind")
    assert found[3] == (True, None)
    assert found[4] == (False, "DBAPIError")
    assert found[5] == (True, None)


async def test_updates_left_by_a_crash_are_handled_at_the_next_start(
    database: Database, tmp_path: Path
) -> None:
    async with begin(tmp_path / "telegram") as world:
        await world.populate()
        # A process claimed one update and died. The other update was only stored.
        await storing_updates.store(
            database.sessions, [message(1, world.ids["advertiser"], "/help")]
        )
        async with database.sessions.begin() as session:
            await inbox_rows.claim(session, limit=10)
        await storing_updates.store(
            database.sessions, [message(2, world.ids["advertiser"], "/start")]
        )
        async with running_bot(world, database) as market:
            await market.settle()
            texts = [shown["text"] or "" for shown in await market.messages("advertiser")]
            assert "How it works" in texts[-2]
            assert "Welcome" in texts[-1]
            assert await market.value("SELECT count(*) FROM inbox WHERE payload IS NOT NULL") == 0


async def test_an_update_that_comes_twice_is_handled_once(market: Marketplace) -> None:
    twice = message(7, market.chat("advertiser"), "/start")
    for _ in range(2):
        await storing_updates.store(market.database.sessions, [twice, twice])
        market.worker.wake()
        await market.settle()
    own = [m for m in await market.messages("advertiser") if m["from"] == market.bot.id]
    assert len(own) == 1


async def test_a_payment_marks_its_update_in_its_own_transaction(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "➕ Top up")
    await market.say("advertiser", "100")
    await market.pay("advertiser")
    same = await market.value(
        "SELECT count(*) FROM inbox i JOIN deposits d ON d.xmin = i.xmin"
        " WHERE i.done_at IS NOT NULL AND d.status = 'credited'"
    )
    assert same == 1


def payment(number: int, chat_id: int) -> dict[str, Any]:
    """Return an update that reports a deposit of 100 USD."""
    raw = message(number, chat_id, "")
    content = raw["message"]
    assert isinstance(content, dict)
    del content["text"]
    content["successful_payment"] = {
        "currency": "USD",
        "total_amount": 10_000,
        "invoice_payload": "topup:1:x",
        "telegram_payment_charge_id": "charge",
        "provider_payment_charge_id": "provider",
    }
    return raw


async def test_an_update_behind_a_conflict_is_not_parked(
    market: Marketplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_worker, "AWAY_SECONDS", 0.01)
    chat_id = market.chat("advertiser")
    await market.database.as_owner(
        "CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'busy' USING ERRCODE = '40P01'; END $$"
    )
    await market.database.as_owner(
        "CREATE TRIGGER conflict BEFORE INSERT ON deposits"
        " FOR EACH STATEMENT EXECUTE FUNCTION conflict()"
    )
    both = [payment(1, chat_id), message(2, chat_id, "/start")]
    await storing_updates.store(market.database.sessions, both)
    market.worker.wake()
    await market.settle()
    rows = await market.rows("SELECT failed_at IS NULL AS well, attempts FROM inbox ORDER BY id")
    parked, behind = rows
    assert (parked["well"], parked["attempts"]) == (False, inbox_rows.MAX_ATTEMPTS)
    assert (behind["well"], behind["attempts"]) == (True, 1)
    assert "Welcome" in await market.last("advertiser")
    await _credit_what_was_parked(market)


async def _credit_what_was_parked(market: Marketplace) -> None:
    await market.employ("admin", Role.OPERATOR)
    parked = await market.value("SELECT id FROM inbox WHERE failed_at IS NOT NULL")
    await market.deliver()
    assert f"adtech retry-payment {parked}" in await market.last("group")
    shell = shell_of(market.database)
    assert str(parked) in (await shell.adtech("parked-payments")).said
    await market.database.as_owner("DROP TRIGGER conflict ON deposits")
    ran = await shell.adtech("retry-payment", parked, "--as", market.chat("advertiser"))
    assert ran.status == 1
    ran = await shell.adtech("retry-payment", parked, "--as", market.chat("admin"))
    assert ran.status == 0, ran.said
    await market.deliver()
    assert await market.value("SELECT count(*) FROM deposits") == 0
    await market.press("admin", "✅ That was me", where="group")
    await market.settle()
    assert await market.value("SELECT status FROM deposits") == "credited"
    assert await market.value("SELECT done_at IS NOT NULL FROM inbox WHERE id = :id", id=parked)


async def test_a_payment_is_tried_for_as_long_as_the_database_is_away(
    market: Marketplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check that the bot tries to record a payment until the database is available."""
    monkeypatch.setattr(inbox_worker, "AWAY_SECONDS", 0.01)
    await market.say("advertiser", "/start")
    await market.database.as_owner("CREATE SEQUENCE tries; GRANT SELECT ON tries TO PUBLIC")
    await market.database.as_owner(
        "CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
        " $$ BEGIN PERFORM nextval('tries'); RAISE EXCEPTION 'x' USING ERRCODE = '57P03'; END $$"
    )
    await market.database.as_owner(
        "CREATE TRIGGER away BEFORE INSERT ON deposits FOR EACH STATEMENT EXECUTE FUNCTION away()"
    )
    await storing_updates.store(market.database.sessions, [payment(1, market.chat("advertiser"))])
    market.worker.wake()
    async with asyncio.timeout(30):
        while await market.value("SELECT last_value FROM tries") <= inbox_rows.MAX_ATTEMPTS:
            await asyncio.sleep(0.02)
    await market.database.as_owner("DROP TRIGGER away ON deposits")
    await market.settle()
    assert await market.value("SELECT count(*) FROM inbox WHERE failed_at IS NOT NULL") == 0
    assert await market.value("SELECT count(*) FROM deposits") == 1


async def test_a_worker_handles_the_updates_that_it_left_when_it_leads_again(
    market: Marketplace,
) -> None:
    worker = inbox_worker.InboxWorker(
        dependencies=market.dependencies, dispatcher=routers.dispatcher(), bot=market.bot
    )
    for _ in range(inbox_worker.MAX_CONCURRENT_HANDLERS):
        await worker._slots.acquire()
    chat_id = market.chat("advertiser")
    await storing_updates.store(
        market.database.sessions, [message(n, chat_id, "/help") for n in (1, 2, 3)]
    )
    for row in await worker._claims.claim():
        worker._queue(row)
    stop = asyncio.Event()
    stop.set()
    stopped = asyncio.create_task(worker.run(stop))
    await asyncio.sleep(0.05)
    worker._slots.release()
    await stopped
    assert not worker._claims
    await market.settle()
    assert await market.value("SELECT count(*) FROM inbox WHERE done_at IS NULL") == 0


async def test_a_repeated_payment_is_credited_once(market: Marketplace) -> None:
    for number in (1, 2):
        await storing_updates.store(
            market.database.sessions, [payment(number, market.chat("advertiser"))]
        )
        market.worker.wake()
        await market.settle()
    assert await market.value("SELECT sum(amount)::bigint FROM deposits") == 10_000
    balance = "SELECT balance FROM wallets WHERE kind = 'user' AND balance > 0"
    assert await market.value(balance) == 10_000


async def test_one_chats_updates_are_handled_in_order(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "➕ New campaign")
    for words in ("Bakery", "Fresh bread", "Order", "https://example.com", "100"):
        await market.world.say(words)
    await market.settle()
    await market.press("advertiser", "💾 Save")
    assert await market.value("SELECT creative->>'text' FROM campaigns") == "Fresh bread"


async def test_a_bot_that_was_paused_changes_nothing(market: Marketplace) -> None:
    """Check that a paused bot does not repeat an update that another process handled."""
    await market.make_campaign(active=False)
    card = (await market.messages("advertiser"))[-1]["message_id"]
    await market.database.as_owner(
        """
        CREATE FUNCTION ended_elsewhere() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE inbox SET done_at = now(), payload = NULL WHERE done_at IS NULL;
            RETURN NEW;
        END $$;
        """
    )
    await market.database.as_owner(
        "CREATE TRIGGER ended_elsewhere BEFORE UPDATE ON campaigns"
        " FOR EACH ROW EXECUTE FUNCTION ended_elsewhere()"
    )
    await market.press("advertiser", "🚀 Activate", message_id=card, wait=False)
    await asyncio.sleep(0.1)
    assert await market.value("SELECT status FROM campaigns") == "draft"


async def test_a_lost_answer_of_telegram_delays_no_other_chat(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check that a hanging answer does not delay the person's next message."""
    monkeypatch.setattr(sender, "ANSWER_SECONDS", 0.3)
    async with open_marketplace(database, tmp_path) as market:
        hang = {"method": "sendMessage", "kind": "timeout_before", "delay_s": 60}
        await market.world.control("faults", **hang)
        await market.say("advertiser", "/start")
        await market.say("advertiser", "/help")
        assert "How it works" in await market.last("advertiser")


async def test_a_slow_answer_of_telegram_delays_no_other_chat(market: Marketplace) -> None:
    """Check that a handler gives its place to others while it waits, and keeps its chat's order."""
    market.worker._slots = HandlerSlots(1)
    slow = {"method": "sendMessage", "kind": "timeout_before", "delay_s": 1.5}
    await market.world.control("faults", chat_id=market.chat("advertiser"), **slow)
    for who, words in (("advertiser", "/start"), ("advertiser", "/help"), ("owner", "/help")):
        await market.world.control(
            f"users/{market.chat(who)}/send", chat_id=market.chat(who), text=words
        )
    async with asyncio.timeout(20):
        while "How it works" not in await market.last("owner"):
            await asyncio.sleep(0.02)
    assert await market.last("advertiser") == "", "the second answer waits for the first one"
    await market.settle()
    assert "How it works" in await market.last("advertiser")


async def test_updates_that_wait_for_one_slot_are_marked_together(market: Marketplace) -> None:
    slots = HandlerSlots(1)

    async def finish(row_id: int) -> None:
        async with slots.hold():
            await market.worker._finish(UpdateResult(row_id))

    with recorded(market.database) as statements:
        await asyncio.gather(*map(finish, range(10**9, 10**9 + 6)))
    assert 1 <= sum("UPDATE inbox SET done_at" in sql for sql, _ in statements) <= 2


async def test_a_database_that_went_away_is_waited_for(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    real = market.dependencies.sessions
    engine = create_engine("postgresql://nobody@/nothing?host=/nowhere")
    market.dependencies.sessions = create_sessions(engine)
    await market.world.say("/help")
    await asyncio.sleep(0.5)
    assert "Welcome" in await market.last("advertiser")
    market.dependencies.sessions = real
    await market.settle()
    await engine.dispose()
    assert "How it works" in await market.last("advertiser")
    assert await market.value("SELECT count(*) FROM inbox WHERE failed_at IS NOT NULL") == 0


async def test_a_stop_does_not_wait_for_other_commands_of_its_chat(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check that the bot handles `/killswitch` while another command of the chat hangs."""
    monkeypatch.setattr(sender, "ANSWER_SECONDS", 4.0)
    async with open_marketplace(database, tmp_path) as market:
        await market.employ("admin", Role.OPERATOR)
        hang = {"method": "sendMessage", "kind": "timeout_before", "delay_s": 60}
        await market.world.control("faults", **hang)
        for words in ("/health", "/killswitch stop payouts a test"):
            await market.world.control(
                f"users/{market.chat('admin')}/send", chat_id=market.chat("group"), text=words
            )
        async with asyncio.timeout(2):
            while await market.value("SELECT enabled FROM kill_switches WHERE key = 'payouts'"):
                await asyncio.sleep(0.02)
        await market.settle()


async def test_a_person_who_floods_is_told_once_and_slowed_down(market: Marketplace) -> None:
    market.worker._throttle = Throttle(per_minute=5)
    chat_id = market.chat("advertiser")
    await market.say("advertiser", "/start")
    updates = [message(number, chat_id, "/help") for number in range(1, 41)]
    await storing_updates.store(market.database.sessions, [*updates, payment(41, chat_id)])
    market.worker.wake()
    await market.settle()
    texts = [shown["text"] or "" for shown in await market.messages("advertiser")]
    assert sum("How it works" in shown for shown in texts) == 4
    assert sum("too many" in shown for shown in texts) == 1
    assert await market.value("SELECT count(*) FROM deposits") == 1
    assert await market.value("SELECT count(*) FROM inbox WHERE payload IS NOT NULL") == 0


async def test_the_staff_is_never_slowed_down(market: Marketplace) -> None:
    market.worker._throttle = Throttle(per_minute=1)
    for _ in range(3):
        await market.say("admin", "/queue", where="group")
    own = [m for m in await market.messages("group") if m["from"] == market.bot.id]
    assert len(own) == 3


async def test_a_worker_without_progress_says_for_how_long(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    assert market.worker.stalled_seconds == 0
    blocker = await asyncpg.connect(market.database.owner_url)
    block = blocker.transaction()
    await block.start()
    await blocker.execute("LOCK TABLE campaigns")
    pressing = asyncio.create_task(market.press("advertiser", "📣 Campaigns"))
    async with asyncio.timeout(60):
        while market.worker.stalled_seconds < 0.5:
            await asyncio.sleep(0.05)
    outages.note_failure(outages.DATABASE)  # then the row waits for PostgreSQL
    assert market.worker.stalled_seconds < 0.5
    await block.rollback()
    await pressing
    await market.settle()
    assert market.worker.stalled_seconds == 0
    await blocker.close()
