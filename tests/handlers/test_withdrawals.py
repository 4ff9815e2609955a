"""Money on its way out: asked for in the wallet, decided in the admin chat; and what came in."""

import pytest

from db.models.operations import Switch
from services.money import withdrawals
from tests.handlers.marketplace import Marketplace

SURE = "✅ Yes, withdraw $30.00"
APPROVE = "✅ Approve"
OPEN = "🔎 Open the withdrawal"


@pytest.fixture
async def wished(market: Marketplace) -> Marketplace:
    """Advertiser has had $100 and asks for $30 of it; the admin chat is told."""
    await market.give("advertiser", 10_000)
    await wish(market, "advertiser", 3_000)
    await market.deliver()
    return market


async def wish(market: Marketplace, who: str, amount: int) -> int:
    """Somebody asks for money, without pressing."""
    actor = await market.actor(who)
    async with market.database.sessions.begin() as session:
        asked = await withdrawals.request(
            session, actor=actor, amount=amount, key=f"test:{who}:{amount}"
        )
    return asked.id


async def status(market: Marketplace) -> list[str]:
    """Every withdrawal's status."""
    return [
        row["status"] for row in await market.rows("SELECT status FROM withdrawals ORDER BY id")
    ]


async def balance(market: Marketplace, who: str) -> int:
    """What somebody can spend."""
    found: int = await market.value(
        "SELECT balance FROM wallets JOIN users ON users.id = user_id"
        " WHERE telegram_id = :id AND kind = 'user'",
        id=market.chat(who),
    )
    return found


async def test_a_person_asks_for_money_once_and_takes_it_back(market: Marketplace) -> None:
    await market.give("advertiser", 10_000)
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "🏦 Withdraw")
    for wrong, answer in (("-5", "not an amount"), ("100.01", "$100.00 is available")):
        await market.say("advertiser", wrong)
        assert answer in await market.last("advertiser")
    await market.say("advertiser", "30")
    assert "Left after that: $70.00" in await market.last("advertiser")
    assert await status(market) == []
    question = (await market.messages("advertiser"))[-1]["message_id"]
    for _ in range(2):
        await market.world.control(
            f"users/{market.chat('advertiser')}/press",
            chat_id=market.chat("advertiser"),
            message_id=question,
            button=SURE,
            wait=False,
        )
    await market.settle()
    assert (await status(market), await balance(market, "advertiser")) == (["requested"], 7_000)
    assert "Waits for an admin" in await market.last("advertiser")
    await market.press("advertiser", "⬅️ Back")
    assert "On its way to you: $30.00" in await market.last("advertiser")
    await market.press("advertiser", "📤 My withdrawals")
    await market.press("advertiser", "✖️ Take back")
    assert "You took it back" in await market.last("advertiser")
    assert (await status(market), await balance(market, "advertiser")) == (["returned"], 10_000)


async def test_a_stopped_switch_is_said_and_the_button_works_later(market: Marketplace) -> None:
    await market.give("advertiser", 10_000)
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "🏦 Withdraw")
    await market.say("advertiser", "30")
    await market.set_switch(Switch.WITHDRAWALS, enabled=False)
    assert "Stopped by the operators" in await market.press("advertiser", SURE)
    assert await status(market) == []
    await market.set_switch(Switch.WITHDRAWALS, enabled=True)
    await market.press("advertiser", SURE)
    assert await status(market) == ["requested"]


async def test_an_admin_approves_and_marks_it_as_paid(wished: Marketplace) -> None:
    market = wished
    await market.press("admin", OPEN, where="group")
    card = await market.last("group")
    assert "Amount: $30.00" in card
    assert f"Person: {market.chat('advertiser')}" in card
    assert "(0 min ago)" in card
    await market.press("admin", APPROVE, where="group")
    assert await status(market) == ["approved"]
    await market.press("admin", "💸 Mark as paid", where="group")
    number = await market.value("SELECT id FROM withdrawals")
    assert f"/paid {number} REFERENCE" in await market.last("group")
    await market.say("admin", f"/paid {number}", where="group")
    assert "Usage" in await market.last("group")
    for _ in range(2):
        await market.say("admin", f"/paid #{number} wire-0815", where="group")
        assert "Reference: wire-0815" in await market.last("group")
    assert await status(market) == ["paid"]
    another = await wish(market, "advertiser", 1_000)
    for words in (f"{another} wire-0815", f"{number} wire-4711"):
        await market.say("admin", f"/paid {words}", where="group")
        assert "Nothing was changed" in await market.last("group")
    assert await status(market) == ["paid", "requested"]
    await market.deliver()
    told = [message["text"] for message in await market.messages("advertiser")]
    assert any("is paid: $30.00" in text for text in told)


async def test_a_rejected_one_goes_back_and_an_old_card_says_so(wished: Marketplace) -> None:
    market = wished
    await market.press("admin", OPEN, where="group")
    old = (await market.messages("group"))[-1]["message_id"]
    await market.say("admin", "/withdrawals", where="group")
    await market.press("admin", "$30.00", where="group")
    await market.press("admin", "↩️ Reject: give it back", where="group")
    assert await status(market) == ["requested"]
    await market.press("admin", "No details where to pay", where="group")
    assert "Why: no details where to pay" in await market.last("group")
    await market.press("admin", "⬅️ Back", where="group")
    assert "No withdrawal waits" in await market.last("group")
    assert (await status(market), await balance(market, "advertiser")) == (["returned"], 10_000)
    await market.deliver()
    assert "We don't know where to send it" in await market.last("advertiser")
    alert = await market.press("admin", APPROVE, where="group", message_id=old)
    assert "it is returned" in alert
    shown = {m["message_id"]: m for m in await market.messages("group")}
    assert "Given back" in shown[old]["text"]
    assert APPROVE not in str(shown[old]["buttons"])


async def test_nobody_decides_on_their_own_money_nor_outside_the_chat(market: Marketplace) -> None:
    await market.say("admin", "/withdrawals", where="group")
    assert "No withdrawal waits" in await market.last("group")
    await market.say("admin", "/start")
    await market.give("admin", 5_000)
    number = await wish(market, "admin", 2_000)
    await market.deliver()
    await market.press("admin", OPEN, where="group")
    assert "their own money" in await market.press("admin", APPROVE, where="group")
    for command in (f"/paid {number} wire-1", f"/return {number} no"):
        await market.say("admin", command, where="group")
        assert "their own money" in await market.last("group"), command
    for command in (f"/paid {number} wire-1", f"/return {number} no", "/withdrawals", "/deposits"):
        await market.say("admin", command)
        assert "admin chat" in await market.last("admin"), command
    assert await status(market) == ["requested"]
    assert len(await market.refusals()) == 7


async def test_deposits_are_shown_with_what_waits(market: Marketplace) -> None:
    await market.say("admin", "/deposits", where="group")
    assert "No deposits here" in await market.last("group")
    await market.give("advertiser", 10_000)
    await market.set_switch(Switch.DEPOSITS, enabled=False)
    for amount in range(1_000, 10_000, 1_000):
        await market.give("owner", amount)
    await market.say("admin", "/deposits", where="group")
    page = await market.last("group")
    assert "9 deposits wait to be credited: $450.00" in page
    assert f"$90.00 · {market.chat('owner')} · telegram" in page
    await market.press("admin", "Next ▶️", where="group")
    assert "$100.00" in await market.last("group")
    assert "✅ credited" in await market.last("group")
