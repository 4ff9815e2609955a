"""Test that an owner names managers among the channel's administrators, and what managers see."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

import pytest

from tests.handlers.marketplace import Marketplace

RIGHTS = {"can_post_messages": True}


async def promote(market: Marketplace, who: str, status: str = "administrator") -> None:
    """Change a person's status in the channel."""
    rights = RIGHTS if status == "administrator" else {}
    await market.world.control(
        f"chats/{market.chat('channel')}/members",
        user_id=market.chat(who),
        status=status,
        **rights,
    )
    await market.settle()


async def open_managers(market: Marketplace) -> None:
    """Let the owner open the list of managers."""
    await market.say("owner", "/start")
    await market.press("owner", "📺 My channels")
    await market.press("owner", "Daily")
    await market.press("owner", "🤝 Managers")


async def name(market: Marketplace) -> None:
    """Let the owner connect the channel and name "admin" as manager."""
    await market.connect_channel()
    await market.say("admin", "/start")
    await promote(market, "admin")
    await open_managers(market)
    await market.press("owner", "➕ Name Admin")
    await market.deliver()


@pytest.mark.usefixtures("with_own_login")
async def test_a_manager_is_named_and_sets_the_terms(market: Marketplace) -> None:
    await name(market)
    assert "✖️ End Admin" in await market.buttons("owner")
    assert "You are a manager of “Daily” now" in await market.last("admin")
    await market.say("admin", "/start")
    await market.press("admin", "📺 My channels")
    await market.press("admin", "🤝 🟢 Daily")
    shown = await market.buttons("admin")
    assert shown == [
        *("✏️ Price and terms", "📋 Ads in this channel", "🗓 Calendar"),
        *("👁 As buyers see it", "🔗 Share", "🔗 Link for buyers"),
        *("⏸ Pause", "⬅️ Back"),
    ]
    await market.press("admin", "⏸ Pause")
    assert await market.value("SELECT status FROM channels") == "paused"
    await _change_price(market)
    await market.press("admin", "✅ Yes")
    assert await market.value("SELECT price FROM channels") == 5_100
    assert "🗑 Remove" not in await market.buttons("admin")


async def _change_price(market: Marketplace) -> None:
    """Let the manager type another price, up to the last button of the form."""
    await market.press("admin", "✏️ Price and terms")
    await market.press("admin", "24 h")
    await market.press("admin", "✏️ Change the price")
    await market.say("admin", "51")


@pytest.mark.usefixtures("with_own_login")
async def test_a_manager_answers_to_an_ad(market: Marketplace) -> None:
    await name(market)
    await market.give("advertiser", 20_000)
    await market.make_campaign()
    await market.buy()
    await market.deliver()
    await market.press("admin", "✅ Accept")
    assert await market.value("SELECT agreed_at IS NOT NULL FROM campaign_targets")
    await market.press("owner", "✅ Accept")
    assert await market.value("SELECT count(*) FROM placement_answers") == 1


@pytest.mark.usefixtures("with_own_login")
async def test_a_manager_who_was_demoted_does_nothing_more(market: Marketplace) -> None:
    """Check each act of a manager: Telegram says that the person is no administrator any more."""
    await name(market)
    await market.give("advertiser", 20_000)
    await market.make_campaign()
    await market.buy()
    await market.deliver()
    await promote(market, "admin", "member")
    assert "no administrator of this channel any more" in await market.press("admin", "✅ Accept")
    assert await market.value("SELECT count(*) FROM placement_answers") == 0
    assert await market.value("SELECT count(*) FROM channel_managers WHERE ended_at IS NULL") == 0
    await market.deliver()
    assert "no manager of “Daily” any more" in await market.last("admin")
    refused = "SELECT count(*) FROM user_audit_logs WHERE metadata->>'error' = 'ManagerEnded'"
    assert await market.value(refused) == 1


async def test_the_terms_of_a_demoted_manager_are_not_saved(market: Marketplace) -> None:
    await name(market)
    await market.press("admin", "📺 Open the channel")
    pause = (await market.messages("admin"))[-1]["message_id"]
    await market.say("admin", "/start")
    await market.press("admin", "📺 My channels")
    await market.press("admin", "🤝 🟢 Daily")
    await _change_price(market)
    await promote(market, "admin", "member")
    alert = await market.press("admin", "✅ Yes")
    assert "no administrator of this channel any more" in alert
    assert await market.value("SELECT price FROM channels") == 5_000
    assert "somebody else's" in await market.press("admin", "⏸ Pause", message_id=pause)


async def test_a_demoted_manager_does_not_pause_the_channel(market: Marketplace) -> None:
    await name(market)
    await market.press("admin", "📺 Open the channel")
    await promote(market, "admin", "member")
    assert "no administrator of this channel any more" in await market.press("admin", "⏸ Pause")
    assert await market.value("SELECT status FROM channels") == "active"


async def test_only_administrators_who_have_started_the_bot_are_named(market: Marketplace) -> None:
    await market.connect_channel()
    await open_managers(market)
    assert "no other administrator" in await market.last("owner")
    person = await market.world.control("users", first_name="New")
    market.world.ids["newcomer"] = person["id"]
    await promote(market, "newcomer")
    await market.press("owner", "⬅️ Back")
    await market.press("owner", "🤝 Managers")
    assert "has not started the bot" in await market.press("owner", "➕ Name New")
    await market.say("newcomer", "/start")
    await promote(market, "newcomer", "member")
    await market.press("owner", "➕ Name New")
    assert await market.value("SELECT count(*) FROM channel_managers") == 0


async def test_an_owner_ends_a_manager(market: Marketplace) -> None:
    await name(market)
    await market.press("owner", "✖️ End Admin")
    assert "➕ Name Admin" in await market.buttons("owner")
    await market.deliver()
    assert "no manager of “Daily” any more" in await market.last("admin")
    await market.say("admin", "/start")
    await market.press("admin", "📺 My channels")
    assert "You have connected no channel yet" in await market.last("admin")
