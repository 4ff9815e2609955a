"""Test the form in which an owner gives buyers a link into a private channel."""

import pytest

from bot.callbacks import FormName, OpenForm
from tests.handlers.marketplace import Marketplace

HASH = "AbCdEfGhIjKlMnOp"


@pytest.mark.usefixtures("with_own_login")
async def test_an_owner_gives_buyers_a_link_into_a_private_channel(market: Marketplace) -> None:
    await market.connect_channel()
    await market.say("admin", "/start")
    data = OpenForm(name=FormName.INVITE, id=await market.value("SELECT id FROM channels"))
    assert "somebody else's" in await market.press_forged("admin", data.pack())
    await market.press("owner", "🔗 Link for buyers")
    await market.say("owner", "https://t.me/+79991234567")
    assert "This is no invite link" in await market.last("owner")
    await market.say("owner", f"t.me/joinchat/{HASH}")
    assert "Status: on offer" in await market.last("owner")
    await market.press("owner", "👁 As buyers see it")
    assert f"link into it: https://t.me/+{HASH}" in await market.last("owner")
    assert await market.buttons("owner") == ["🔎 Open the channel", "🔗 Share", "⬅️ Back"]
    for button in ("⬅️ Back", "🔗 Link for buyers"):
        await market.press("owner", button)
    assert f"Buyers see this link now: https://t.me/+{HASH}" in await market.last("owner")
    await market.press("owner", "🗑 Remove the link")
    assert await market.value("SELECT invite_link FROM channels") is None
    await market.press("owner", "🔗 Link for buyers")
    assert "🗑 Remove the link" not in await market.buttons("owner")
