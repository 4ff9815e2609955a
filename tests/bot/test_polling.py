"""Test that the poller confirms no update to Telegram before the update is stored."""

import asyncio

import pytest
from structlog.testing import capture_logs

from bot import outages, polling, recent_events
from tests.factories import breakage
from tests.handlers.marketplace import Marketplace

ATTEMPTS = 10
"""With pauses that double from 0.05 s, this many attempts would take 25 s."""
CANNOT_STORE = {"a full disk": "53100", "a read-only server": "25006"}


@pytest.mark.parametrize("why", CANNOT_STORE)
async def test_payments_wait_at_telegram_while_the_server_cannot_store(
    market: Marketplace, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(polling, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(outages, "_last_lines", {})
    people = ("advertiser", "owner")
    for person in people:
        await market.say(person, "/start")
        await market.press(person, "💰 Wallet")
        await market.press(person, "➕ Top up")  # noqa: RUF001 - the button's text
        await market.say(person, "5")
    [stored] = await market.rows("SELECT count(*) AS n FROM inbox")
    with capture_logs() as lines:
        await breakage.refuse_inserts(market.database, "inbox", CANNOT_STORE[why])
        payments = [asyncio.create_task(_pay(market, person)) for person in people]
        # The pause does not grow, so the bot goes on soon after the server has recovered.
        async with asyncio.timeout(20):
            while await market.value("SELECT last_value FROM attempts") < ATTEMPTS:
                await asyncio.sleep(0.1)
        assert (await market.rows("SELECT count(*) AS n FROM inbox")) == [stored]
        assert len(market.world.state.updates) >= len(people)
        await market.database.as_owner("DROP TRIGGER refused ON inbox")
        await asyncio.gather(*payments)
        await market.settle()
    assert [await market.balance(person) for person in people] == [500, 500]
    assert await market.value("SELECT count(*) FROM inbox WHERE failed_at IS NOT NULL") == 0
    assert [line["what"] for line in lines if line["event"].startswith("away")] == ["PostgreSQL"]


async def _pay(market: Marketplace, person: str) -> None:
    paid = await market.world.control(f"users/{market.chat(person)}/pay")
    assert paid["ok"]


async def test_a_displaced_poll_is_counted(market: Marketplace) -> None:
    before = recent_events.counts()["poll_conflicts"]
    async with asyncio.timeout(60):
        # Telegram ends the bot's poll as soon as another program polls.
        while recent_events.counts()["poll_conflicts"] == before:
            await market.world.call("getUpdates", timeout=0)
            await asyncio.sleep(0.1)
    await market.say("advertiser", "/start")
    assert "Welcome" in await market.last("advertiser")
