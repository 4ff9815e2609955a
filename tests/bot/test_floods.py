"""Test that urgent updates are handled while the inbox is full of other updates."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bot import inbox_claims, inbox_worker, storing_updates, throttle
from bot.polling import MAX_UPDATES
from db.models.users import Role
from tests.bot.test_inbox_worker import message, update
from tests.handlers.marketplace import Marketplace

AHEAD = 500
"""The most updates that the bot may handle before an urgent update."""
FLOOD_OF_ONE = 2_000


async def flood_with_queries(market: Marketplace) -> None:
    """Store 10,000 pre-checkout queries of 2,000 strangers."""
    await market.database.as_owner(
        # The queries do not get too old for an answer, however slow this machine is.
        "INSERT INTO inbox (update_id, lane, received_at, payload)"
        " SELECT 1000 + n, 2^61::bigint + 5000 + n % 2000, now() + interval '1 hour',"
        " jsonb_build_object('update_id', 1000 + n, 'pre_checkout_query', jsonb_build_object('id',"
        " n::text, 'currency', 'USD', 'total_amount', 500, 'invoice_payload', 'topup:1:x', 'from',"
        " jsonb_build_object('id', 5000 + n % 2000, 'is_bot', false, 'first_name', 'A')))"
        " FROM generate_series(1, 10000) n"
    )


async def flood(market: Marketplace) -> None:
    """Store 10,000 messages of strangers."""
    await market.database.as_owner(
        "INSERT INTO inbox (update_id, lane, payload) SELECT 1000 + n, 5000 + n % 700,"
        " jsonb_build_object('update_id', 1000 + n, 'message', jsonb_build_object('message_id', n,"
        " 'date', 1, 'text', '/help', 'chat', jsonb_build_object('id', 5000 + n % 700,"
        " 'type', 'private'), 'from', jsonb_build_object('id', 5000 + n % 700, 'is_bot', false,"
        " 'first_name', 'A'))) FROM generate_series(1, 10000) n"
    )


@pytest.mark.parametrize("store_flood", [flood, flood_with_queries])
async def test_a_flood_of_strangers_does_not_delay_the_staff_or_a_payment(
    market: Marketplace, store_flood: Callable[[Marketplace], Awaitable[None]]
) -> None:
    """Check that urgent updates do not wait for 10,000 updates of strangers."""
    await market.employ("admin", Role.OPERATOR)
    await store_flood(market)
    market.worker.wake()
    await asyncio.sleep(0.5)
    ended = "SELECT count(*) FROM inbox WHERE update_id > 1000 AND done_at IS NOT NULL"
    before = await market.value(ended)
    await market.world.control(
        f"users/{market.chat('admin')}/send",
        chat_id=market.chat("group"),
        text="/killswitch stop payouts a test",
    )
    await storing_updates.store(
        market.database.sessions, [pre_checkout(2, market.chat("advertiser"))]
    )
    query = "SELECT enabled FROM kill_switches WHERE key = 'payouts'"
    async with asyncio.timeout(20):
        while await market.value(query):
            await asyncio.sleep(0.02)
    assert await market.value(ended) - before < AHEAD
    done = "SELECT done_at IS NOT NULL OR failed_at IS NOT NULL FROM inbox WHERE update_id = 2"
    async with asyncio.timeout(20):
        while not await market.value(done):
            await asyncio.sleep(0.02)
    assert await market.value(ended) - before < 2 * AHEAD
    assert await market.value("SELECT count(*) FROM inbox WHERE done_at IS NULL") > 5_000
    await market.database.as_owner("DELETE FROM inbox WHERE update_id > 1000")


@contextlib.asynccontextmanager
async def hanging_staff(market: Marketplace) -> AsyncIterator[None]:
    """Keep all handlers of the staff busy in the `with` block."""
    for _ in range(inbox_worker.STAFF_HANDLERS):
        await market.worker._staff_slots.acquire()
    yield
    await market.database.as_owner("DELETE FROM inbox WHERE update_id > 1000")
    for _ in range(inbox_worker.STAFF_HANDLERS):
        market.worker._staff_slots.release()


async def test_many_messages_in_the_admin_chat_do_not_delay_a_stop(market: Marketplace) -> None:
    """Check a stop while the staff's acts hang and both the staff and strangers write a lot."""
    await market.employ("admin", Role.OPERATOR)

    async def store(number: int, text: str) -> None:
        own_words = message(number, market.chat("admin"), text)
        own_words["message"] |= {"chat": {"id": market.chat("group"), "type": "supergroup"}}
        await storing_updates.store(market.database.sessions, [own_words])
        market.worker.wake()

    async with hanging_staff(market):
        for number in range(inbox_claims.STAFF_IN_FLIGHT):
            await store(number, "we look at it")
        await asyncio.sleep(0.5)
        await flood(market)
        await store(200, "/killswitch stop payouts a test")
        stopped = "SELECT count(*) FROM kill_switches WHERE key = 'payouts' AND NOT enabled"
        for _ in range(500):
            if is_stopped := await market.value(stopped):
                break
            await asyncio.sleep(0.02)
        ended = "SELECT count(*) FROM inbox WHERE update_id > 1000 AND done_at IS NOT NULL"
        handled = await market.value(ended)
    assert is_stopped
    assert handled < AHEAD


def pre_checkout(number: int, person_id: int) -> dict[str, object]:
    return update(
        number,
        pre_checkout_query={
            "id": "1",
            "from": {"id": person_id, "is_bot": False, "first_name": "A"},
            "currency": "USD",
            "total_amount": 500,
            "invoice_payload": "topup:1:x",
        },
    )


async def test_a_flood_of_one_person_delays_nobody(market: Marketplace) -> None:
    """Check the number of handled and stored updates, and that an admin's press is answered."""
    await market.say("admin", "/start")
    for number in range(FLOOD_OF_ONE):
        content = message(number, market.chat("advertiser"), "/help")["message"]
        market.world.state.queue_update("message", content)
    pressing = asyncio.create_task(
        market.world.control(
            f"users/{market.chat('admin')}/press",
            chat_id=market.chat("admin"),
            button="❓ How it works",
        )
    )
    async with asyncio.timeout(20):
        while "How it works" not in await market.last("admin"):
            await asyncio.sleep(0.02)
    await pressing
    assert len(await market.messages("advertiser")) < throttle.PER_MINUTE, "the admin waited"
    await market.settle()
    shown = await market.messages("advertiser")
    sent = [each["text"] for each in shown if each["from"] == market.bot.id]
    assert len(sent) == throttle.PER_MINUTE + 1
    assert [text for text in sent if "How it works" not in text] == [sent[-1]]
    stored = await market.value("SELECT count(*) FROM inbox")
    assert stored < throttle.PER_MINUTE + 2 * MAX_UPDATES
