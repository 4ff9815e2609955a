"""Test how admins look up things and watch words in the admin chat, and who reads a card."""

import pytest

from bot.look_up_callbacks import LookedUp, LookUp
from db.models.users import Role
from tests.handlers.marketplace import Marketplace


async def test_an_admin_looks_up_each_side_of_a_placement(market: Marketplace) -> None:
    await market.submitted()
    await market.say("admin", f"/user {market.chat('advertiser')}", where="group")
    shown = await market.last("group")
    assert f"Telegram id: {market.chat('advertiser')}" in shown
    assert "Owes: nothing" in shown
    await market.press("admin", "· Bakery", where="group")
    assert "of which" in await market.last("group")
    await market.press("admin", "Daily", where="group")
    assert "🆕 Placement #" in await market.last("group")
    number = await market.value("SELECT id FROM channels")
    await market.say("admin", f"/channel {number}", where="group")
    assert "On offer" in await market.last("group")
    assert "no finished placement" in await market.last("group")
    await market.press("admin", "👤 Person", where="group")
    assert f"Telegram id: {market.chat('owner')}" in await market.last("group")
    target = await market.value("SELECT id FROM campaign_targets")
    await market.say("admin", f"/placement #{target}", where="group")
    assert f"🆕 Placement #{target}" in await market.last("group")
    campaign = await market.value("SELECT id FROM campaigns")
    await market.say("admin", f"/campaign {campaign}", where="group")
    assert "Bakery" in await market.last("group")


async def test_a_command_that_names_nothing_says_what_to_write(market: Marketplace) -> None:
    for what in LookedUp:
        for typed in ("", " 99999", " @nobody_here", " <b>"):
            await market.say("admin", f"/{what.value}{typed}", where="group")
            assert f"/{what.value} 12" in await market.last("group"), (what, typed)


async def test_other_people_look_up_nothing(market: Marketplace) -> None:
    await market.submitted()
    target = await market.value("SELECT id FROM campaign_targets")
    forged = LookUp(what=LookedUp.PLACEMENT, id=target).pack()
    assert await market.press_forged("owner", forged)
    await market.say("owner", "/user 1")
    assert "Telegram id:" not in await market.last("owner")
    assert {refusal["error"] for refusal in await market.refusals()} == {"AccessDenied"}


@pytest.mark.usefixtures("with_own_login")
async def test_words_are_watched_and_warned_about(market: Marketplace) -> None:
    await market.say("admin", "/watch", where="group")
    assert "No word is watched" in await market.last("group")
    for word in ("BREAD", "casino"):
        await market.say("admin", f"/watch {word}", where="group")
    assert await market.buttons("group") == ["🗑 bread", "🗑 casino"]
    await market.submitted()
    card = await market.last("group")
    assert "⚠️ Watched words: bread" in card
    assert "⚠️ New advertiser" in card
    await market.say("admin", "/watch", where="group")
    await market.press("admin", "🗑 bread", where="group")
    assert await market.buttons("group") == ["🗑 casino"]


@pytest.mark.usefixtures("with_own_login")
async def test_one_admin_takes_a_card(market: Marketplace) -> None:
    await market.employ("owner", Role.ADMIN)
    group = market.chat("group")
    await market.world.control(
        f"chats/{group}/members", user_id=market.chat("owner"), status="member"
    )
    await market.submitted()
    assert "Your colleagues see" in await market.press("admin", "👀 I am reading it", where="group")
    assert f"{market.chat('admin')} is reading it" in await market.last("group")
    await market.press("owner", "👋 Let others read it", where="group")
    assert f"{market.chat('admin')} is reading it" in await market.last("group")
    await market.press("admin", "👋 Let others read it", where="group")
    assert "is reading it" not in await market.last("group")


async def test_a_placement_is_rejected_in_own_words(market: Marketplace) -> None:
    await market.submitted()
    await market.say("admin", "/reject", where="group")
    assert "/reject 12" in await market.last("group")
    target = await market.value("SELECT id FROM campaign_targets")
    await market.say("admin", f"/reject {target} The <shop> is closed", where="group")
    assert "Rejected by" in await market.last("group")
    await market.deliver()
    assert "Reason: The <shop> is closed" in await market.last("advertiser")
    assert await market.value("SELECT status FROM campaign_targets") == "rejected"
