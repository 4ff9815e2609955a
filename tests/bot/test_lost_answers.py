"""Test that the bot answers a person later if Telegram refused the answer at first."""

import pytest

from tests.handlers.marketplace import Marketplace

FLOOD = {"kind": "error", "retry_after": 40, "times": 20}
OWED = (
    "SELECT user_id, kind, due_at - created_at > interval '30 seconds' AS later FROM outbox"
    " WHERE kind = 'answer_lost'"
)


@pytest.mark.parametrize("method", ["editMessageText", "sendMessage"])
async def test_after_a_flood_the_act_stands_and_the_person_is_answered_later(
    market: Marketplace, method: str
) -> None:
    await market.make_campaign(active=False)
    await market.world.control("faults", method="editMessageText", **FLOOD)
    if method == "sendMessage":
        await market.world.control("faults", method=method, **FLOOD)
    await market.press("advertiser", "🚀 Activate", wait=False)
    assert await market.value("SELECT status FROM campaigns") == "active"
    assert await market.value("SELECT count(*) FROM inbox WHERE failed_at IS NOT NULL") == 0
    assert await market.value("SELECT count(*) FROM inbox WHERE payload IS NOT NULL") == 0
    [owed] = await market.rows(OWED)
    assert owed["later"]
    assert "went wrong" not in await market.last("advertiser")


async def test_a_lost_message_in_the_admin_chat_is_answered_there(market: Marketplace) -> None:
    await market.world.control("faults", method="sendMessage", **FLOOD)
    await market.say("admin", "/queue", where="group")
    [owed] = await market.rows(OWED)
    assert owed["user_id"] is None
