"""Test how admins approve and reject placements in the admin chat."""

import pytest
from sqlalchemy import text

from services.money import wallets
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
    for _ in range(2):
        alert = await market.press("admin", "✅ Approve", where="group")
        assert "Not approved: the advertiser owes $7.00" in alert
        assert "The advertiser owes $7.00" in await market.last("group")
        assert (await market.buttons("group"))[:2] == ["✅ Approve", "❌ Reject"]
    denied = "SELECT count(*) FROM user_audit_logs WHERE metadata->>'error' = 'AdvertiserOwes'"
    assert await market.value(denied) == 2
    assert await market.value("SELECT status FROM campaign_targets") == "pending"
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "Bakery")
    await market.press("advertiser", "🛒 Buy a placement")
    await market.press("advertiser", "Daily")
    await market.press("advertiser", "🛒 Buy here")
    await market.press("advertiser", "⚡ As soon as approved")
    assert "nothing can be bought" in await market.press("advertiser", "✅ Submit")
    assert await market.value("SELECT count(*) FROM campaign_targets") == 1


async def _repay(market: Marketplace, amount: int) -> None:
    """Take an amount of the advertiser's debt out of the advertiser's wallet."""
    advertiser_id = (await market.actor("advertiser")).user_id or 0
    async with market.database.sessions.begin() as session:
        own = await wallets.of_user(session, advertiser_id)
        loss = await wallets.find_loss(session, advertiser_id)
        assert loss is not None
        await people.adjusted(session, own.id, loss.id, amount)


@pytest.mark.parametrize(
    ("language", "top_up", "wait", "what"),
    [
        ("en", 0, "you owe $7.00", "top up $57.00"),
        ("en", 20_000, "you owe $7.00", "your wallet covers the debt"),
        ("ru", 0, "за вами долг 7,00 $", "пополните кошелёк на 57,00 $"),
        ("ru", 20_000, "за вами долг 7,00 $", "в кошельке хватает денег"),
    ],
)
async def test_an_advertiser_is_told_once_why_placements_wait_for_a_debt(
    market: Marketplace, language: str, top_up: int, wait: str, what: str
) -> None:
    await market.submitted()
    advertiser = await market.actor("advertiser")
    async with market.database.sessions.begin() as session:
        await people.lose(session, advertiser, 700)
        await session.execute(
            text("UPDATE users SET language = :language, language_chosen = true WHERE id = :id"),
            {"language": language, "id": advertiser.user_id},
        )
    if top_up:
        await market.give("advertiser", top_up)
    for _ in range(2):
        await market.press("admin", "✅ Approve", where="group")
        await market.deliver()
    told = "SELECT count(*) FROM outbox WHERE kind = 'loss_open'"
    assert await market.value(told) == 1
    notice = (await market.last("advertiser")).replace("\xa0", " ")
    assert wait in notice
    assert what in notice
    assert "/paysupport" in notice


async def test_a_placement_goes_on_after_the_debt_is_repaid(market: Marketplace) -> None:
    """Check that the advertiser reads of the rest of the debt, and that the card then approves."""
    await market.submitted()
    async with market.database.sessions.begin() as session:
        await people.lose(session, await market.actor("advertiser"), 700)
    await market.press("admin", "✅ Approve", where="group")
    await market.give("advertiser", 5_700)
    told = (
        "SELECT array_agg((payload->>'loss')::int ORDER BY id) FROM outbox WHERE kind = 'loss_open'"
    )
    for paid, missing in ((300, [700, 400]), (400, [700, 400])):
        await _repay(market, paid)
        await market.press("admin", "✅ Approve", where="group")
        assert await market.value(told) == missing
    assert await market.value("SELECT status FROM campaign_targets") == "approved"
    assert await market.balance("advertiser") == 0
    assert "owes" not in await market.last("group")


async def test_the_queue_opens_cards(market: Marketplace) -> None:
    await market.give("advertiser", 10_000)
    await market.submitted()
    await market.say("admin", "/queue", where="group")
    await market.press("admin", "Bakery", where="group")
    assert (await market.buttons("group"))[:2] == ["✅ Approve", "❌ Reject"]
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
