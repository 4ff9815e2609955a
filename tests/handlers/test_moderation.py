"""Test how admins approve and reject placements in the admin chat."""

import pytest

from tests.factories import people
from tests.handlers.marketplace import Marketplace

MISLEADING = "Misleading"


async def test_a_placement_is_rejected_with_a_reason(market: Marketplace) -> None:
    await market.submitted()
    await market.press("admin", "❌ Reject", where="group")
    await market.press("admin", "Misleading", where="group")
    assert "Rejected by" in await market.last("group")
    await market.deliver()
    assert "Reason: Misleading" in await market.last("advertiser")
    assert await market.value("SELECT status FROM campaign_targets") == "rejected"


async def test_two_presses_on_approve_hold_once(market: Marketplace) -> None:
    await market.give("advertiser", 20_000)
    await market.submitted()
    card = (await market.messages("group"))[-1]["message_id"]
    body = {"chat_id": market.chat("group"), "message_id": card, "button": "✅ Approve"}
    for _ in range(2):
        await market.world.control(f"users/{market.chat('admin')}/press", **body, wait=False)
    await market.settle()
    holds = "SELECT count(*) FROM ledger_transfers WHERE reason = 'escrow_hold'"
    assert await market.value(holds) == 1
    assert await market.value("SELECT count(*) FROM post_jobs") == 1


async def test_nobody_approves_a_placement_of_a_person_with_an_open_loss(
    market: Marketplace,
) -> None:
    await market.submitted()
    async with market.database.sessions.begin() as session:
        await people.lose(session, await market.actor("advertiser"), 700)
    await market.give("advertiser", 10_000)
    alert = await market.press("admin", "✅ Approve", where="group")
    assert "$7.00 is still missing. Until it is repaid, nothing can be bought" in alert
    assert await market.buttons("group") == ["✅ Approve", "❌ Reject"]
    assert await market.value("SELECT status FROM campaign_targets") == "pending"
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "Bakery")
    await market.press("advertiser", "🛒 Buy a placement")
    await market.press("advertiser", "Daily")
    await market.press("advertiser", "⚡ As soon as approved")
    assert "nothing can be bought" in await market.press("advertiser", "✅ Submit")
    assert await market.value("SELECT count(*) FROM campaign_targets") == 1


async def test_the_queue_opens_cards(market: Marketplace) -> None:
    await market.give("advertiser", 10_000)
    await market.submitted()
    await market.say("admin", "/queue", where="group")
    await market.press("admin", "Bakery", where="group")
    assert await market.buttons("group") == ["✅ Approve", "❌ Reject"]
    await market.press("admin", "✅ Approve", where="group")
    assert await market.value("SELECT status FROM campaign_targets") == "approved"


async def test_a_channel_without_the_right_is_suspended_when_a_placement_is_approved(
    market: Marketplace,
) -> None:
    await market.give("advertiser", 10_000)
    await market.submitted()
    await market.world.control(
        "faults",
        method="getChatMember",
        kind="error",
        error_code=403,
        description="Forbidden: bot was kicked from the channel chat",
    )
    answer = await market.press("admin", "✅ Approve", where="group")
    assert "The channel is suspended" in answer
    assert await market.value("SELECT status FROM channels") == "suspended"
    assert await market.value("SELECT status FROM campaign_targets") == "pending"
    await market.deliver()
    assert "is suspended" in await market.last("advertiser")
    assert "is not offered any more" in await market.last("owner")


async def test_a_sold_channel_is_suspended_when_a_placement_is_approved(
    market: Marketplace,
) -> None:
    await market.give("advertiser", 10_000)
    await market.submitted()
    await market.world.control(
        f"chats/{market.chat('channel')}/transfer", user_id=market.chat("admin")
    )
    await market.press("admin", "✅ Approve", where="group")
    (channel,) = await market.rows("SELECT status, status_reason FROM channels")
    assert channel == {"status": "suspended", "status_reason": "not_creator"}


@pytest.mark.parametrize(
    ("button", "alert"),
    [
        ("✅ Approve", "The present state: taken back"),
        ("❌ Reject", ""),
        (MISLEADING, "taken back"),
    ],
)
async def test_an_old_card_shows_the_state_instead_of_its_buttons(
    market: Marketplace, button: str, alert: str
) -> None:
    await market.submitted()
    if button == MISLEADING:
        await market.press("admin", "❌ Reject", where="group")
    await market.press("advertiser", "📋 My placements")
    await market.press("advertiser", "⏳ #")
    await market.press("advertiser", "🗑 Take it back")
    await market.press("advertiser", "🗑 Yes, take it back")
    assert alert in await market.press("admin", button, where="group")
    assert "Taken back by its advertiser" in await market.last("group")
    assert await market.buttons("group") == []
