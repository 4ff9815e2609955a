"""Test that a press on any notice opens a new message, and that the notice stays as it is."""

from typing import Any

from bot.callbacks import BESIDE
from db.models.operations import OutboxMessage
from scheduler import channel_notices, notices, staff_notices
from services.money import withdrawals
from services.platform import outbox
from services.platform.priorities import Priority
from tests.factories import people
from tests.handlers.marketplace import Marketplace
from tests.handlers.published_post import publish_ad

OF_STAFF = frozenset(staff_notices.RENDER) | {
    *("target_submitted", "post_uncertain", "post_unseen", "complaint_staff", "posts_altered"),
    *("switch_changed", "switch_answer_lost", "star_transaction_refused", "excess_payment"),
    *("destination_dropped", "deposit_clawed_back", "early_removals"),
}
"""The kinds for the admin chat, whose cards show what was decided in their place."""
QUESTIONS = ("offer:", "change:", "retry:", "complaint:", "complaint_form:")
"""The beginnings of the data of answers: the message of the question then shows the answer."""


async def _facts(market: Marketplace) -> dict[str, Any]:
    """Make what the notices are about, and return a payload that suits each of them."""
    await publish_ad(market)
    await market.deliver()
    for button in ("📋 Open the placement", "⚠️ Complain about the post", "✏️ Another text or link"):
        await market.press("advertiser", button)
    await market.deliver()
    async with market.database.sessions.begin() as session:
        await market.give("advertiser", 5_000)
        row = await withdrawals.request(
            session, actor=await market.actor("advertiser"), amount=100, key="press:1:1"
        )
    await market.database.as_owner(
        "INSERT INTO payout_destinations (user_id, method, ciphertext, correlation_id)"
        " VALUES ($1, 'ton', 'x', 'test')",
        row.user_id,
    )
    await market.database.as_owner(
        "INSERT INTO payout_waits (channel_id, owner_id, correlation_id)"
        " SELECT id, owner_id, 'test' FROM channels"
    )
    return {
        **dict.fromkeys(("target_id", "channel_id", "complaint_id", "destination_id"), 1),
        "withdrawal_id": row.id,
        "deposit_id": 1,
        "error": "BOT_BALANCE_TOO_LOW",
        "why": "telegram",
        "wait_id": 1,
        "user_id": row.user_id,
        "message_id": 10,
        "to": "advertiser",
        "step": "opened",
        "status": "paid",
        "reason": "other",
        "number": 1,
        "amount": 100,
        "recovered": 100,
        "loss": 0,
        "minutes": 1,
        "currency": "USD",
        "seconds": 3_600,
        "placements": 1,
        "text": "text",
    }


async def _failed(market: Marketplace) -> dict[str, int]:
    """Let another post fail for good, and return what a notice about it has in its payload."""
    async with market.database.sessions.begin() as session:
        made = await people.failed(session)
        return {"target_id": made.target.id}


async def _show(
    market: Marketplace, who: str, kind: str, payload: dict[str, Any]
) -> dict[str, Any]:
    """Send a notice to a person, and return its message."""
    user_id = (await market.actor(who)).user_id
    message = OutboxMessage(
        kind=kind, user_id=user_id, payload=payload, priority=Priority.RESULT, key=f"x:{kind}"
    )
    async with market.database.sessions.begin() as session:
        cards = await notices.read(session, [message])
        notice = await notices.render(session, message, "en", "USD", cards=cards)
    for method in notice.methods(market.chat(who)):
        sent = await market.bot(method)
    stored = market.world.state.find_message(market.chat(who), sent.message_id)
    assert stored is not None
    return dict(stored.body)


def _buttons(body: dict[str, Any]) -> list[dict[str, str]]:
    lines = body.get("reply_markup", {}).get("inline_keyboard", [])
    return [button for line in lines for button in line if "callback_data" in button]


async def test_no_press_replaces_a_notice(market: Marketplace) -> None:
    payload, failed = await _facts(market), await _failed(market)
    pressed = set()
    for kind in sorted(notices.KINDS - OF_STAFF - {outbox.SUMMARY}):
        who = "owner" if kind in channel_notices.RENDER else "advertiser"
        before = await _show(
            market, who, kind, payload | {"to": who} | (failed if kind == "retry_offered" else {})
        )
        for button in _buttons(before):
            data = button["callback_data"]
            if data.startswith(QUESTIONS):
                continue
            assert data.startswith(BESIDE), f"{kind}: {data}"
            alert = await market.press(who, button["text"], message_id=before["message_id"])
            shown = market.world.state.find_message(before["chat"]["id"], before["message_id"])
            assert shown is not None
            assert shown.body == before, f"{kind}: {data}"
            newest = (await market.messages(who))[-1]
            assert alert or newest["message_id"] > before["message_id"], f"{kind}: {data}"
            pressed.add(kind)
    assert len(pressed) > 30
