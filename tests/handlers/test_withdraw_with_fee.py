"""Test that a person reads the fee of a withdrawal and the hold of Stars before they confirm."""
# ruff: noqa: RUF001 - the Russian text is what people see

from datetime import UTC, datetime, timedelta

from bot import formatting
from bot.screens import payout_holds
from bot.texts import Texts
from services.money.payout_holds import Step, Withdrawable
from tests.factories.earnings import earn
from tests.handlers.marketplace import Marketplace

FEE = "You get $28.50 of $30.00. The fee is $1.50."


def _set(market: Marketplace, **values: object) -> None:
    market.dependencies.settings = market.dependencies.settings.model_copy(update=values)


async def _ask(market: Marketplace, amount: str) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "🏦 Withdraw")
    await market.say("advertiser", amount)


async def test_the_fee_is_said_agreed_to_and_paid(with_own_login: Marketplace) -> None:
    market = with_own_login
    _set(market, payout_fee_bps=500)
    await market.give("advertiser", 10_000)
    await _ask(market, "30")
    assert FEE in await market.last("advertiser")
    # The operators change the fee before the person confirms.
    _set(market, payout_fee_bps=100)
    answer = await market.press("advertiser", "✅ Yes, withdraw $30.00")
    assert "The fee is $0.30 now. Nothing was changed." in answer
    assert await market.withdrawal_statuses() == []
    assert "You get $29.70 of $30.00" in await market.last("advertiser")
    _set(market, payout_fee_bps=500)
    await _ask(market, "30")
    await market.press("advertiser", "✅ Yes, withdraw $30.00")
    assert FEE in await market.last("advertiser")
    assert await market.rows("SELECT amount, fee, hold_days FROM withdrawals") == [
        {"amount": 3_000, "fee": 150, "hold_days": None}
    ]
    await market.press("advertiser", "⬅️ Back")
    await market.press("advertiser", "📄 Statement")
    assert FEE in await market.last("advertiser")
    await market.press("advertiser", "⬅️ Back")
    await market.press("advertiser", "📤 My withdrawals")
    await market.press("advertiser", "✖️ Take back")
    await market.press("advertiser", "✖️ Yes, take it back")
    assert "You took it back" in await market.last("advertiser")
    assert "You get" not in await market.last("advertiser")
    await market.press("advertiser", "⬅️ Back")
    await market.press("advertiser", "📄 Statement")
    assert "You get" not in await market.last("advertiser")


async def test_the_admin_pays_the_amount_without_the_fee(market: Marketplace) -> None:
    _set(market, payout_fee_bps=500)
    await market.give("advertiser", 10_000)
    await _ask(market, "30")
    await market.press("advertiser", "✅ Yes, withdraw $30.00")
    await market.deliver()
    await market.press("admin", "🔎 Open the withdrawal", where="group")
    card = await market.last("group")
    assert "Amount: $30.00" in card
    assert "Pay exactly $28.50. The platform keeps the fee of $1.50." in card
    await market.press("admin", "✅ Approve", where="group")
    assert "Then $28.50 is to be paid outside" in await market.last("group")
    await market.press("admin", "✅ Yes, approve it", where="group")
    await market.deliver()
    told = await market.last("advertiser")
    assert "is approved: $28.50 is on its way to you." in told
    assert FEE in told
    number = await market.value("SELECT id FROM withdrawals")
    await market.say("admin", f"/paid {number} wire-1", where="group")
    await market.deliver()
    assert "is paid: $28.50. Reference: wire-1" in await market.last("advertiser")
    paid_card = await market.last("group")
    assert "The amount without the fee of $1.50 is $28.50." in paid_card
    assert "Pay exactly" not in paid_card
    kept = "SELECT sum(balance) FROM wallets WHERE kind = 'revenue'"
    assert await market.value(kept) == 150
    assert await market.balance("advertiser") == 7_000


async def test_young_stars_wait_and_the_wallet_says_until_when(market: Marketplace) -> None:
    _set(market, currency="XTR", stars_hold_days=21)
    await market.say("owner", "/start")
    owner = await market.actor("owner")
    for later in (18, 2, 0):
        async with market.database.sessions.begin() as session:
            await earn(session, owner)
        await market.database.forward(timedelta(days=later))
    paid = await market.rows(
        "SELECT created_at FROM ledger_entries WHERE reason = 'payout' ORDER BY id"
    )
    await market.press("owner", "💰 Wallet")
    shown = (await market.last("owner")).splitlines()
    assert "You can withdraw 0 ⭐ now." in shown[-4]
    for number, row in enumerate(paid):
        at = formatting.format_time(row["created_at"] + timedelta(days=21), None, "en")
        assert shown[number - 3] == f"• {4_500 * (number + 1):,} ⭐ in all from {at} on"
    await market.press("owner", "🏦 Withdraw")
    assert "You can withdraw once you have 1 ⭐. Available now: 0 ⭐" in await market.last("owner")
    await market.database.forward(timedelta(days=1))
    await market.say("owner", "4501")
    assert "You can withdraw 4,500 ⭐ now, or 4,501 ⭐ from" in await market.last("owner")
    await market.say("owner", "4500")
    await market.press("owner", "✅ Yes, withdraw 4,500 ⭐")
    assert await market.withdrawal_statuses() == ["requested"]
    # An old question about money that is not free any more is refused by the service.
    assert "You can withdraw 0 ⭐ now" in await market.press_forged("owner", "withdraw:1:old")
    assert await market.withdrawal_statuses() == ["requested"]


def test_the_wallet_shows_three_days_and_the_last_one() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    steps = [Step(noon + timedelta(hours=9 * number), number) for number in range(1, 20)]
    t = Texts("ru", "XTR", "Asia/Tokyo")
    assert payout_holds.lines(t, Withdrawable(0, steps)).splitlines() == [
        "⏳ Недавний заработок ваших каналов можно вывести не сразу. Сейчас можно вывести 0 ⭐.",
        "• всего 2 ⭐ с 2 мар. 2026 15:00 JST",
        "• всего 5 ⭐ с 3 мар. 2026 18:00 JST",
        "• всего 8 ⭐ с 4 мар. 2026 21:00 JST",
        "• всего 19 ⭐ с 9 мар. 2026 00:00 JST",
    ]
