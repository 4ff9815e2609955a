"""Test the form with which a person requests a withdrawal."""

from datetime import timedelta

from db.models.operations import Switch
from services.money import withdrawals
from tests.handlers.marketplace import Marketplace

SURE = "✅ Yes, withdraw $30.00"


def _set(market: Marketplace, **values: object) -> None:
    market.dependencies.settings = market.dependencies.settings.model_copy(update=values)


async def test_a_person_requests_a_withdrawal_and_cancels_it(with_own_login: Marketplace) -> None:
    market = with_own_login
    await market.give("advertiser", 10_000)
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "🏦 Withdraw")
    for wrong, answer in (("-5", "not an amount"), ("100.01", "$100.00 is available")):
        await market.say("advertiser", wrong)
        assert answer in await market.last("advertiser")
    await market.say("advertiser", "30")
    assert "Left after that: $70.00" in await market.last("advertiser")
    assert await market.withdrawal_statuses() == []
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
    assert (await market.withdrawal_statuses(), await market.balance("advertiser")) == (
        ["requested"],
        7_000,
    )
    assert "Waits for an admin" in await market.last("advertiser")
    await market.press("advertiser", "⬅️ Back")
    assert "On its way to you: $30.00" in await market.last("advertiser")
    await market.press("advertiser", "📤 My withdrawals")
    await market.press("advertiser", "✖️ Take back")
    assert "$30.00 goes back into your wallet" in await market.last("advertiser")
    assert await market.withdrawal_statuses() == ["requested"]
    await market.press("advertiser", "⬅️ No, go back")
    await market.press("advertiser", "✖️ Take back")
    question = (await market.messages("advertiser"))[-1]["message_id"]
    await market.press("advertiser", "✖️ Yes, take it back")
    assert "You took it back" in await market.last("advertiser")
    assert (await market.withdrawal_statuses(), await market.balance("advertiser")) == (
        ["returned"],
        10_000,
    )
    assert question == (await market.messages("advertiser"))[-1]["message_id"]


async def test_an_old_list_takes_nothing_back(market: Marketplace) -> None:
    await market.give("advertiser", 10_000)
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "🏦 Withdraw")
    await market.say("advertiser", "30")
    await market.press("advertiser", SURE)
    actor = await market.actor("advertiser")
    number = await market.value("SELECT id FROM withdrawals")
    async with market.database.sessions.begin() as session:
        await withdrawals.cancel(session, actor=actor, withdrawal_id=number)
    assert await market.press("advertiser", "✖️ Take back") == (
        "This has been decided already. Nothing was changed."
    )
    assert "You took it back" in await market.last("advertiser")
    assert await market.balance("advertiser") == 10_000


async def test_a_stopped_switch_is_explained_and_the_button_works_later(
    market: Marketplace,
) -> None:
    await market.give("advertiser", 10_000)
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "🏦 Withdraw")
    await market.say("advertiser", "30")
    await market.set_switch(Switch.WITHDRAWALS, enabled=False)
    assert "Stopped by the operators" in await market.press("advertiser", SURE)
    assert await market.withdrawal_statuses() == []
    await market.set_switch(Switch.WITHDRAWALS, enabled=True)
    await market.press("advertiser", SURE)
    assert await market.withdrawal_statuses() == ["requested"]


async def test_a_person_reads_the_smallest_withdrawal_and_when_it_is_paid(
    market: Marketplace,
) -> None:
    _set(market, payout_min=2_000, payout_time=timedelta(hours=30))
    await market.give("advertiser", 1_999)
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "🏦 Withdraw")
    assert "once you have $20.00. Available now: $19.99" in await market.last("advertiser")
    await market.give("advertiser", 3_000)
    await market.press("advertiser", "✖️ Cancel")
    await market.press("advertiser", "🏦 Withdraw")
    assert "The smallest withdrawal: $20.00" in await market.last("advertiser")
    await market.say("advertiser", "19.99")
    assert "The smallest withdrawal is $20.00." in await market.last("advertiser")
    await market.say("advertiser", "20")
    assert "usually within 2 days" in await market.last("advertiser")
    # The operators raise the minimum before the person confirms.
    _set(market, payout_min=2_001)
    answer = await market.press("advertiser", "✅ Yes, withdraw $20.00")
    assert "The smallest withdrawal is $20.01 now" in answer
    assert await market.withdrawal_statuses() == []
    assert await market.balance("advertiser") == 4_999
