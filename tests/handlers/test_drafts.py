"""Test how an advertiser deletes a draft, and raises the budget of a campaign."""

import pytest

from tests.handlers.marketplace import Marketplace
from tests.handlers.test_campaign_form import save_draft


@pytest.mark.usefixtures("with_own_login")
async def test_a_draft_is_deleted_after_a_question(market: Marketplace) -> None:
    await save_draft(market)
    await market.press("advertiser", "🗑 Delete the draft")
    assert "for good" in await market.last("advertiser")
    await market.press("advertiser", "No, go back")
    await market.press("advertiser", "🗑 Delete the draft")
    question = (await market.messages("advertiser"))[-1]
    body = {"message_id": question["message_id"], "button": question["buttons"][0][0]["text"]}
    for _ in range(2):
        await market.world.control(
            f"users/{market.chat('advertiser')}/press",
            chat_id=market.chat("advertiser"),
            wait=False,
            **body,
        )
    await market.settle()
    assert "You have no campaigns yet" in await market.last("advertiser")
    assert await market.value("SELECT count(*) FROM campaigns") == 0
    deleted = "SELECT count(*) FROM user_audit_logs WHERE action = 'draft_deleted'"
    assert await market.value(deleted) == 1


@pytest.mark.usefixtures("with_own_login")
async def test_a_budget_is_raised(market: Marketplace) -> None:
    await save_draft(market)
    await market.press("advertiser", "🚀 Activate")
    await market.press("advertiser", "💰 Raise the budget")
    assert "Budget: $100.00" in await market.last("advertiser")
    await market.say("advertiser", "nothing")
    assert "not an amount" in await market.last("advertiser")
    await market.say("advertiser", "99")
    assert "It is $100.00 now" in await market.last("advertiser")
    await market.say("advertiser", "250")
    assert "Budget: $250.00" in await market.last("advertiser")
    assert await market.value("SELECT total_budget FROM campaigns") == 25_000
