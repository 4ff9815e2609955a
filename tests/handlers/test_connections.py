"""Test the link with which a channel's creator confirms the connection of an administrator."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

from datetime import timedelta

import pytest

from bot import storing_updates
from tests.handlers.marketplace import Marketplace

ADMINISTRATOR = {
    "status": "administrator",
    "can_post_messages": True,
    "can_promote_members": True,
}


async def invite(market: Marketplace, *, who: str = "admin", **rights: object) -> str:
    """Let an administrator of the channel choose the channel. Return the link's command."""
    await market.world.control(
        f"chats/{market.chat('channel')}/members",
        user_id=market.chat(who),
        **ADMINISTRATOR | rights,
    )
    await market.say(who, "/start")
    await market.press(who, "📺 My channels")
    await market.press(who, "➕ Connect a channel")
    await market.pick(who, "channel")
    _, _, token = (await market.last(who)).partition("?start=")
    return f"/start {token.split()[0]}" if token else ""


@pytest.mark.usefixtures("with_own_login")
async def test_an_administrator_starts_and_the_creator_confirms(market: Marketplace) -> None:
    command = await invite(market)
    assert command.startswith("/start own_")
    *_, explained, invitation = await market.messages("admin")
    assert "its creator has to confirm" in explained["text"]
    assert "As its creator, please open this link" in invitation["text"]
    assert await market.value("SELECT count(*) FROM channels") == 0
    await market.say("owner", command)
    assert "What does one post cost?" in await market.last("owner")
    for answer in ("50", "24", "news"):
        await market.say("owner", answer)
    (row,) = await market.rows("SELECT owner_id, status FROM channels")
    owner_id = await market.value(
        f"SELECT id FROM users WHERE telegram_id = {market.chat('owner')}"
    )
    assert row == {"owner_id": owner_id, "status": "active"}
    await market.deliver()
    assert "has confirmed the connection" in await market.last("admin")
    await market.say("owner", command)
    assert "This link was used already" in await market.last("owner")
    assert await market.value("SELECT count(*) FROM channels") == 1


async def test_nobody_but_the_creator_confirms(market: Marketplace) -> None:
    command = await invite(market)
    for who in ("advertiser", "admin"):
        await market.say(who, command)
        assert "Only the creator of “Daily” can confirm this" in await market.last(who)
    assert await market.value("SELECT count(*) FROM channels") == 0
    await market.say("owner", command)
    assert await market.value("SELECT status FROM channels") == "pending"


async def test_a_link_without_the_right_of_the_bot_stays_usable(market: Marketplace) -> None:
    command = await invite(market)
    await market.world.control(
        f"chats/{market.chat('channel')}/members", user_id="bot", status="left"
    )
    await market.say("owner", command)
    assert "then open the link again" in await market.last("owner")
    await market.world.promote(can_post_messages=True)
    await market.say("owner", command)
    assert await market.value("SELECT status FROM channels") == "pending"


async def test_old_and_invented_links_are_explained(market: Marketplace) -> None:
    command = await invite(market)
    for wrong in (command[:-1], command + "x", "/start own_"):
        await market.say("owner", wrong)
        assert "I don't know this link" in await market.last("owner")
    week = timedelta(days=7)
    await market.database.as_owner(
        f"UPDATE connection_requests SET expires_at = clock() - interval '{week}'"
    )
    await market.say("owner", command)
    assert "older than 7 days" in await market.last("owner")
    await market.say("owner", "/start other_parameter")
    assert "📺 My channels" in await market.buttons("owner")


async def test_a_person_who_is_no_administrator_gets_no_link(market: Marketplace) -> None:
    """Check that Telegram is asked, although its list offers a person no other channels."""
    await market.world.promote(can_post_messages=True)
    person = {"id": market.chat("admin"), "is_bot": False, "first_name": "A"}
    message = {
        "message_id": 1,
        "date": 1,
        "from": person,
        "chat": {"id": person["id"], "type": "private", "first_name": "A"},
        "chat_shared": {"request_id": 1, "chat_id": market.chat("channel")},
    }
    await market.say("admin", "/start")
    await storing_updates.store(market.database.sessions, [{"update_id": 1, "message": message}])
    market.worker.wake()
    await market.settle()
    texts = [message["text"] or "" for message in await market.messages("admin")]
    assert any("you are neither the creator nor an administrator" in text for text in texts)
    assert await market.value("SELECT count(*) FROM connection_requests") == 0


async def test_a_connected_channel_needs_no_link(market: Marketplace) -> None:
    await market.connect_channel()
    assert await invite(market) == ""
    assert "Somebody has connected this channel here already" in await market.last("admin")
