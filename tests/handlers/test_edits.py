"""Test the hint to people who edit a message while a form waits for their answer."""

import pytest

from tests.bot.test_middlewares import private_message, receive
from tests.handlers.marketplace import Marketplace

HINT = "I do not read edits"


async def _edit(market: Marketplace, text: str, message_id: int = 900) -> None:
    edited = private_message(market, text=text, message_id=message_id, edit_date=2)
    await receive(market, edited_message=edited)


async def _hints(market: Marketplace) -> int:
    return sum(HINT in (m["text"] or "") for m in await market.messages("advertiser"))


@pytest.mark.usefixtures("with_own_login")
async def test_an_edit_is_answered_once_for_a_message_and_never_acts(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await _edit(market, "Nothing waits")
    assert await _hints(market) == 0
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "New campaign")
    for text in ("Bakery", "/cancel"):
        await _edit(market, text)
    assert await _hints(market) == 1
    await _edit(market, "Bakery", message_id=901)
    assert await _hints(market) == 2
    # The form still waits for its first answer.
    await market.say("advertiser", "Bakery")
    assert "ad" in (await market.last("advertiser")).lower()
    assert await market.value("SELECT count(*) FROM inbox WHERE failed_at IS NOT NULL") == 0
    await market.say("advertiser", "/cancel")
    await _edit(market, "Bakery", message_id=902)
    assert await _hints(market) == 2


async def test_an_edit_in_a_group_gets_no_answer(market: Marketplace) -> None:
    before = len(await market.messages("group"))
    chat = {"id": market.chat("group"), "type": "group", "title": "Admins"}
    await receive(market, edited_message=private_message(market, text="/queue", chat=chat))
    assert len(await market.messages("group")) == before
