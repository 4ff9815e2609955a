"""Test that the bot answers later if Telegram's flood limit refused the first answer."""

from typing import Any

import pytest

from bot import lost_answers
from db.models.users import Role
from services.platform.priorities import Priority
from tests.handlers.marketplace import Marketplace

FLOOD = {"kind": "error", "retry_after": 40, "times": 20}
OWED = (
    "SELECT user_id, payload, due_at - created_at > interval '30 seconds' AS later FROM outbox"
    " WHERE kind = 'answer_lost'"
)


async def deliver_late(market: Marketplace) -> None:
    """Let Telegram accept messages again, and send the late answers."""
    await market.database.as_owner("UPDATE outbox SET due_at = now()")
    market.world.state.faults.clear()
    await market.deliver()


async def one_owed(market: Marketplace) -> dict[str, Any]:
    """Return the outbox row of the only late answer."""
    (owed,) = await market.rows(OWED)
    return owed


@pytest.mark.parametrize("method", ["editMessageText", "sendMessage"])
async def test_after_a_flood_the_act_stands_and_the_lost_answer_is_given_later(
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
    assert (await one_owed(market))["later"]
    assert "went wrong" not in await market.last("advertiser")
    await deliver_late(market)
    late = await market.last("advertiser")
    assert "Bakery" in late
    assert "in time" in late


async def test_the_late_answer_is_in_the_persons_language(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.database.as_owner("UPDATE users SET language = 'ru', language_chosen = true")
    await market.world.control("faults", method="sendMessage", **FLOOD)
    await market.say("advertiser", "/help")
    await deliver_late(market)
    late = await market.last("advertiser")
    assert "вовремя" in late
    assert "Как это работает" in late


async def test_a_refusal_that_telegram_did_not_take_is_given_later(market: Marketplace) -> None:
    await market.submitted()
    await market.world.control("faults", method="answerCallbackQuery", **FLOOD)
    await market.press("admin", "✅ Approve", where="group", wait=False)
    await market.settle()
    owed = await one_owed(market)
    assert owed["user_id"] is None
    assert "Not enough money" in owed["payload"]["text"]


async def test_after_a_flood_a_new_invoice_is_one_press_away(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "➕ Top up")  # noqa: RUF001 - the button's text
    await market.world.control("faults", method="sendInvoice", **FLOOD)
    await market.say("advertiser", "50")
    assert (await one_owed(market))["payload"] == {"invoice": True}
    await deliver_late(market)
    assert "Nothing was charged" in await market.last("advertiser")
    await market.press("advertiser", "➕ Top up")  # noqa: RUF001 - the button's text
    await market.say("advertiser", "50")
    assert (await market.pay("advertiser"))["ok"]
    assert await market.balance("advertiser") == 5_000


@pytest.mark.parametrize("kind", ["garbage", "html_502", "cut_after"])
async def test_an_answer_that_got_lost_on_its_way_is_given_later(
    market: Marketplace, kind: str
) -> None:
    await market.say("advertiser", "/start")
    await market.world.control("faults", method="sendMessage", kind=kind)
    await market.say("advertiser", "/help")
    assert "How it works" in (await one_owed(market))["payload"]["text"]


async def test_a_lost_message_in_the_admin_chat_is_answered_there(market: Marketplace) -> None:
    await market.world.control("faults", method="sendMessage", **FLOOD)
    await market.say("admin", "/queue", where="group")
    owed = await one_owed(market)
    assert owed["user_id"] is None
    assert "Nothing waits" in owed["payload"]["text"]


async def test_a_question_that_telegram_did_not_answer_leaves_a_general_text(
    market: Marketplace,
) -> None:
    await market.submitted()
    await market.world.control("faults", method="getChatMember", **FLOOD)
    await market.press("admin", "✅ Approve", where="group", wait=False)
    await market.settle()
    assert (await one_owed(market))["payload"] == {}
    await deliver_late(market)
    assert "did not show you the answer" in await market.last("group")


async def test_a_long_answer_is_cut(market: Marketplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost_answers, "TEXT_LIMIT", 20)
    await market.say("advertiser", "/start")
    await market.world.control("faults", method="sendMessage", **FLOOD)
    await market.say("advertiser", "/help")
    kept = (await one_owed(market))["payload"]["text"]
    assert len(kept) == 20
    assert kept.endswith("…")


async def test_a_lost_answer_about_switches_comes_before_all_other_messages(
    market: Marketplace,
) -> None:
    await market.employ("admin", Role.OPERATOR)
    await market.database.as_owner("DELETE FROM outbox")
    await market.world.control("faults", method="sendMessage", **FLOOD)
    await market.say("admin", "/killswitch", where="group")
    (owed,) = await market.rows("SELECT kind, priority, user_id FROM outbox")
    assert (owed["priority"], owed["user_id"]) == (Priority.ALARM, None)
    await market.database.as_owner("UPDATE outbox SET due_at = now()")
    market.world.state.faults.clear()
    await market.deliver()
    assert "payouts" in (await market.last("group")).lower()
