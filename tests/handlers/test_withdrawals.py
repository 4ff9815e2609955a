"""Test that admins approve, pay and reject withdrawals in the admin chat."""

import re
from datetime import timedelta

import pytest

from db import queries
from db.models.intake import Comparison
from db.models.users import Role
from db.money import STARS
from services.market import registration, star_transactions
from services.money import star_list_positions, withdrawals
from tests.factories import payments, people
from tests.handlers.marketplace import Marketplace
from tests.handlers.test_corrections import hire

APPROVE = "✅ Approve"
SURE = "✅ Yes, approve it"
SURE_CONFIRM = "✅ Yes, confirm it"
OPEN = "🔎 Open the withdrawal"
AGAIN = "🔁 Try again"


@pytest.fixture
async def with_withdrawal(market: Marketplace) -> Marketplace:
    """Return a running bot in which the advertiser has requested to withdraw $30 of $100."""
    await market.give("advertiser", 10_000)
    await request_withdrawal(market, "advertiser", 3_000)
    await market.deliver()
    return market


async def request_withdrawal(market: Marketplace, who: str, amount: int) -> int:
    """Request a withdrawal in minor units, and return its id."""
    actor = await market.actor(who)
    async with market.database.sessions.begin() as session:
        asked = await withdrawals.request(
            session, actor=actor, amount=amount, key=f"test:{who}:{amount}"
        )
    return asked.id


@pytest.mark.usefixtures("with_own_login")
async def test_an_admin_approves_and_marks_it_as_paid(with_withdrawal: Marketplace) -> None:
    market = with_withdrawal
    await market.press("admin", OPEN, where="group")
    card = await market.last("group")
    assert "Amount: $30.00" in card
    assert f"Person: {market.chat('advertiser')}" in card
    assert "(0 min ago)" in card
    assert re.search(r"• \$30\.00, [^\n]+, payment #\d+\n", card)
    assert "Payments in USD can't be compared" in card
    await market.press("admin", APPROVE, where="group")
    assert "$30.00 is to be paid outside" in await market.last("group")
    assert await market.withdrawal_statuses() == ["requested"]
    await market.press("admin", "⬅️ No, go back", where="group")
    await market.press("admin", APPROVE, where="group")
    await market.press("admin", SURE, where="group")
    assert await market.withdrawal_statuses() == ["approved"]
    await market.press("admin", "💸 Mark as paid", where="group")
    number = await market.value("SELECT id FROM withdrawals")
    assert f"/paid {number} REFERENCE" in await market.last("group")
    await market.say("admin", f"/paid {number}", where="group")
    assert "Usage" in await market.last("group")
    for _ in range(2):
        await market.say("admin", f"/paid #{number} wire-0815", where="group")
        assert "Reference: wire-0815" in await market.last("group")
    assert await market.withdrawal_statuses() == ["paid"]
    another = await request_withdrawal(market, "advertiser", 1_000)
    await market.say("admin", f"/paid {another} wire-0815", where="group")
    assert "Nothing was changed" in await market.last("group")
    for words in (f"{another} wire-1", f"{number} wire-4711"):
        await market.say("admin", f"/paid {words}", where="group")
        assert "with the reason in a second line" in await market.last("group")
        await market.say("admin", f"/paid {words}\nit was urgent", where="group")
        assert "Waits for a second person" in await market.last("group")
    assert await market.withdrawal_statuses() == ["paid", "requested"]
    await market.deliver()
    texts = [message["text"] for message in await market.messages("advertiser")]
    assert any("is paid: $30.00" in text for text in texts)


async def test_a_rejected_withdrawal_is_returned_and_its_old_card_says_so(
    with_withdrawal: Marketplace,
) -> None:
    market = with_withdrawal
    await market.press("admin", OPEN, where="group")
    old = (await market.messages("group"))[-1]["message_id"]
    await market.say("admin", "/withdrawals", where="group")
    await market.press("admin", "$30.00", where="group")
    await market.press("admin", "↩️ Reject: give it back", where="group")
    assert await market.withdrawal_statuses() == ["requested"]
    await market.press("admin", "No details where to pay", where="group")
    assert "Why: no details where to pay" in await market.last("group")
    await market.press("admin", "⬅️ Back", where="group")
    assert "No withdrawal waits" in await market.last("group")
    assert (await market.withdrawal_statuses(), await market.balance("advertiser")) == (
        ["returned"],
        10_000,
    )
    await market.deliver()
    assert "We don't know where to send it" in await market.last("advertiser")
    alert = await market.press("admin", APPROVE, where="group", message_id=old)
    assert alert == "This has been decided already. Nothing was changed."
    shown = {m["message_id"]: m for m in await market.messages("group")}
    assert "Given back" in shown[old]["text"]
    assert APPROVE not in str(shown[old]["buttons"])


async def test_nobody_decides_on_their_own_money_nor_outside_the_chat(market: Marketplace) -> None:
    await market.say("admin", "/withdrawals", where="group")
    assert "No withdrawal waits" in await market.last("group")
    await market.say("admin", "/start")
    await market.give("admin", 5_000)
    number = await request_withdrawal(market, "admin", 2_000)
    await market.deliver()
    await market.press("admin", OPEN, where="group")
    await market.press("admin", APPROVE, where="group")
    assert "their own money" in await market.press("admin", SURE, where="group")
    for command in (f"/paid {number} wire-1", f"/return {number} no"):
        await market.say("admin", command, where="group")
        assert "their own money" in await market.last("group"), command
    for command in (f"/paid {number} wire-1", f"/return {number} no", "/withdrawals", "/deposits"):
        await market.say("admin", command)
        assert "admin chat" in await market.last("admin"), command
    assert await market.withdrawal_statuses() == ["requested"]
    assert len(await market.refusals()) == 7


@pytest.mark.usefixtures("with_own_login")
async def test_only_one_admin_pays_a_withdrawal(with_withdrawal: Marketplace) -> None:
    market = with_withdrawal
    await market.employ("owner", Role.ADMIN)
    group = market.chat("group")
    await market.world.control(
        f"chats/{group}/members", user_id=market.chat("owner"), status="member"
    )
    await market.press("admin", OPEN, where="group")
    await market.press("admin", APPROVE, where="group")
    await market.press("admin", SURE, where="group")
    await market.press("admin", "💸 Mark as paid", where="group")
    await market.press("admin", "⬅️ Back", where="group")
    paying = f"{market.chat('admin')} is paying"
    assert paying in await market.last("group")
    assert paying in await market.press("owner", "💸 Mark as paid", where="group")
    number = await market.value("SELECT id FROM withdrawals")
    await market.say("owner", f"/return {number} a mistake", where="group")
    assert await market.withdrawal_statuses() == ["approved"]
    await market.database.forward(timedelta(minutes=31))
    await market.say("admin", "/withdrawals", where="group")
    await market.press("admin", "$30.00", where="group")
    assert paying not in await market.last("group")
    await market.press("owner", "💸 Mark as paid", where="group")
    assert await market.value("SELECT paying_by FROM withdrawals") == (
        (await market.actor("owner")).user_id
    )
    await market.say("owner", f"/return {number} a mistake", where="group")
    assert await market.withdrawal_statuses() == ["returned"]


async def test_the_card_of_a_blocked_person_says_not_to_pay(
    with_withdrawal: Marketplace,
) -> None:
    market = with_withdrawal
    await market.press("admin", OPEN, where="group")
    await market.press("admin", APPROVE, where="group")
    await market.press("admin", SURE, where="group")
    assert "Do not pay" not in await market.last("group")
    async with market.database.sessions.begin() as session:
        await people.block(session, await market.actor("advertiser"))
    await market.press("admin", "💸 Mark as paid", where="group")
    shown = await market.last("group")
    assert "⛔ Do not pay it: the person has been blocked" in shown
    assert "/paid" in shown
    assert await market.value("SELECT paying_by FROM withdrawals") is None
    assert len(await market.refusals()) == 1


@pytest.mark.usefixtures("with_own_login")
async def test_a_payment_that_nobody_approved_needs_a_second_admin(
    with_withdrawal: Marketplace,
) -> None:
    market = with_withdrawal
    await hire(market, "owner", Role.ADMIN)
    number = await market.value("SELECT id FROM withdrawals")
    await market.say("admin", f"/paid {number} wire-1", where="group")
    assert f"/paid {number} wire-1\nREASON" in await market.last("group")
    assert await market.value("SELECT count(*) FROM staff_requests") == 0
    await market.say(
        "admin", f"/paid {number} wire-1\nthe person was at the counter", where="group"
    )
    card = await market.last("group")
    assert f"withdrawal #{number} of {market.chat('advertiser')} was paid outside (wire-1)" in card
    assert "Reason: the person was at the counter" in card
    await market.press("admin", "✅ Confirm", where="group")
    assert "Another person" in await market.press("admin", SURE_CONFIRM, where="group")
    assert await market.withdrawal_statuses() == ["requested"]
    await market.press("owner", SURE_CONFIRM, where="group")
    assert await market.withdrawal_statuses() == ["paid"]
    await market.say("owner", f"/paid {number} wire-2\nit was sent twice", where="group")
    await market.press("admin", "✅ Confirm", where="group")
    await market.press("admin", SURE_CONFIRM, where="group")
    await market.deliver()
    notices = [str(message["text"]) for message in await market.messages("group")]
    assert any("held no money any more. Taken from the wallet: $30.00" in text for text in notices)
    told = [str(message["text"]) for message in await market.messages("advertiser")]
    assert any("Taken from your wallet: $30.00" in text for text in told)


async def test_a_second_press_approves_once_and_edits_its_card(
    with_withdrawal: Marketplace,
) -> None:
    market = with_withdrawal
    await market.press("admin", OPEN, where="group")
    card = (await market.messages("group"))[-1]["message_id"]
    await market.press("admin", APPROVE, where="group")
    for _ in range(2):
        await market.world.control(
            f"users/{market.chat('admin')}/press",
            chat_id=market.chat("group"),
            message_id=card,
            button=SURE,
            wait=False,
        )
    await market.settle()
    assert await market.withdrawal_statuses() == ["approved"]
    assert (await market.messages("group"))[-1]["message_id"] == card
    approvals = "SELECT count(*) FROM user_audit_logs WHERE action = 'withdrawal_approved'"
    assert await market.value(approvals) == 1


async def test_an_approval_in_stars_waits_for_the_comparison(market: Marketplace) -> None:
    async with market.database.sessions.begin() as session:
        person = await registration.register(
            session, telegram_id=market.chat("owner"), language="en", currency=STARS
        )
        paid = await payments.deposit(
            session, user_id=person.id, amount=500, key="charge", source="stars", currency=STARS
        )
    await request_withdrawal(market, "owner", 300)
    await market.say("admin", "/withdrawals", where="group")
    [row] = await market.buttons("group")
    await market.press("admin", row, where="group")
    assert "⏳ not compared with Telegram yet" in await market.last("group")
    await market.press("admin", APPROVE, where="group")
    for button in (SURE, AGAIN):
        await market.press("admin", button, where="group")
        assert "Try again in a minute" in await market.last("group")
        assert await market.withdrawal_statuses() == ["requested"]
    await market.press("admin", "⬅️ No, go back", where="group")
    await market.press("admin", APPROVE, where="group")
    await market.press("admin", SURE, where="group")
    async with market.database.sessions.begin() as session:
        await star_transactions.mark_compared(session, {paid.id}, Comparison.LISTED)
        await star_list_positions.get(session, market.bot.id)
        await star_list_positions.record_read(
            session, market.bot.id, read_at=await queries.now(session)
        )
    await market.press("admin", AGAIN, where="group")
    assert await market.withdrawal_statuses() == ["approved"]
    assert "✅ in Telegram's list" in await market.last("group")


async def test_the_card_of_a_withdrawal_of_a_restored_backup_says_to_ask_the_bank(
    with_withdrawal: Marketplace,
) -> None:
    market = with_withdrawal
    await market.press("admin", OPEN, where="group")
    assert "A backup of the database was restored" not in await market.last("group")
    await market.database.as_owner("SELECT finish_restore('{}')")
    await market.press("admin", APPROVE, where="group")
    assert "ask the bank before you pay it" in await market.last("group")
