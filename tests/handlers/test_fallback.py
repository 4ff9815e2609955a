"""Test that the bot answers a press of an unknown button and changes nothing."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

import pytest
from aiogram_dialog.utils import encode_reply_callback

from tests.handlers.marketplace import Marketplace


async def test_unknown_buttons_change_nothing(market: Marketplace) -> None:
    await market.submitted()
    before = await market.everything()
    for data in ("nonsense", "go:nowhere:1:0", "camp:activate:x", "mod:reject:1:no", "form:x:1"):
        where = "group" if data.startswith("mod") else None
        who = "admin" if where else "advertiser"
        assert "out of date" in await market.press_forged(who, data, where=where), data
    assert await market.everything() == before
    assert await market.refusals() == []


async def test_a_closed_forms_button_is_answered(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "➕ New campaign")
    form = (await market.messages("advertiser"))[-1]["message_id"]
    await market.say("advertiser", "/start")
    alert = await market.press("advertiser", "✖️ Cancel", message_id=form)
    assert "form is closed" in alert


async def test_an_unknown_button_does_not_disturb_an_open_form(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "➕ New campaign")
    assert "out of date" in await market.press_forged("advertiser", "nonsense")
    assert await market.last("advertiser") == "a message with a forged button"
    await market.say("advertiser", "Bakery")
    assert "send the ad itself" in await market.last("advertiser")


async def test_a_message_for_a_lost_draft_is_answered(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "➕ New campaign")
    # Redis may lose one of its keys, for example when its memory is full.
    drafts = market.dependencies.storage._memory
    for name in [name for name in drafts if "aiogd:context" in name]:
        del drafts[name]
    await market.say("advertiser", "Bakery")
    assert "This form is closed" in await market.last("advertiser")
    await market.say("advertiser", "/start")
    assert "What would you like to do?" in await market.last("advertiser")


@pytest.mark.parametrize("end", ["\u200b\u200c\u2060", encode_reply_callback("form:topup:0")])
async def test_invisible_characters_are_no_press(market: Marketplace, end: str) -> None:
    await market.say("advertiser", "/start")
    await market.say("advertiser", end)
    assert "I did not expect a message" in await market.last("advertiser")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "➕ New campaign")
    await market.say("advertiser", f"Bakery{end}")
    await market.say("advertiser", f"Fresh bread{end}")
    assert await market.buttons("advertiser") == ["Skip", "⬅️ Back", "✖️ Cancel"]
    assert [m for m in await market.messages("advertiser") if m["text"] == f"Fresh bread{end}"]
