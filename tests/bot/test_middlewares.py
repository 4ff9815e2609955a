"""Test that only a person's own words, and the bot's own buttons, make the bot act."""

# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

from typing import Any

import pytest

from bot import inbox_worker
from bot.callbacks import OnSwitch, SwitchAct
from bot.screens.operators import STOP_REASONS
from db.models.operations import Switch
from db.models.users import Role
from services.market import channels
from tests.handlers.marketplace import Marketplace

STOP = "/killswitch stop payouts x"
PRESSED = OnSwitch(act=SwitchAct.STOP, key=Switch.PAYOUTS, reason=STOP_REASONS[0]).pack()
OTHER_BOT = {"id": 999, "is_bot": True, "first_name": "Other bot", "username": "other_bot"}
HIDDEN = {"type": "hidden_user", "date": 1, "sender_user_name": "A friend"}


@pytest.fixture
async def operated(market: Marketplace) -> Marketplace:
    """Return the marketplace with an operator."""
    await market.employ("admin", Role.OPERATOR)
    return market


async def receive(market: Marketplace, **content: Any) -> None:
    """Let the bot receive a raw update, and wait until the bot has handled the update."""
    number = 1_000_000 + len(await market.rows("SELECT id FROM inbox"))
    await inbox_worker.store(market.database.sessions, [{"update_id": number, **content}])
    market.worker.wake()
    await market.settle()


def command(market: Marketplace, **more: Any) -> dict[str, Any]:
    """Return a message of the operator in the admin chat."""
    chat = {"id": market.chat("group"), "type": "group", "title": "Admins"}
    person = {"id": market.chat("admin"), "is_bot": False, "first_name": "Admin"}
    return {"message_id": 900, "date": 1, "chat": chat, "from": person, "text": STOP} | more


def press(market: Marketplace, message: dict[str, Any]) -> dict[str, Any]:
    """Return a press by the operator that stops payouts."""
    person = {"id": market.chat("admin"), "is_bot": False, "first_name": "Admin"}
    return {"id": "1", "from": person, "chat_instance": "1", "data": PRESSED, "message": message}


async def is_running(market: Marketplace) -> bool:
    """Return whether payouts are running."""
    return bool(await market.value("SELECT enabled FROM kill_switches WHERE key = 'payouts'"))


@pytest.mark.parametrize(
    "more",
    [
        {"forward_origin": HIDDEN},
        {"forward_origin": {"type": "of a new kind", "date": 1}},
        {"via_bot": OTHER_BOT},
        {"forward_origin": HIDDEN, "text": None, "caption": STOP},
        {"forward_origin": HIDDEN, "text": f" {STOP}"},
    ],
)
async def test_a_command_that_somebody_else_wrote_does_nothing(
    operated: Marketplace, more: dict[str, Any]
) -> None:
    content = {key: value for key, value in command(operated, **more).items() if value is not None}
    await receive(operated, message=content)
    assert await is_running(operated)
    assert "Type the command yourself" in await operated.last("group")


async def test_the_same_command_in_own_words_acts(operated: Marketplace) -> None:
    await receive(operated, message=command(operated))
    assert not await is_running(operated)


async def test_a_bots_message_gets_no_answer(operated: Marketplace) -> None:
    before = len(await operated.messages("group"))
    await receive(operated, message=command(operated, **{"from": OTHER_BOT}))
    assert await is_running(operated)
    assert len(await operated.messages("group")) == before
    assert await operated.rows("SELECT id FROM inbox WHERE failed_at IS NOT NULL") == []


async def test_a_forwarded_ad_is_taken(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "➕ New campaign")
    await market.say("advertiser", "Bakery")
    chat = {"id": market.chat("advertiser"), "type": "private"}
    person = {"id": market.chat("advertiser"), "is_bot": False, "first_name": "Advertiser"}
    ad = {"message_id": 900, "date": 1, "chat": chat, "from": person, "text": "Fresh bread"}
    await receive(market, message=ad | {"forward_origin": HIDDEN})
    assert "Should there be a link button" in await market.last("advertiser")


async def test_a_press_counts_only_on_the_bots_own_button(operated: Marketplace) -> None:
    bot = {"id": operated.bot.id, "is_bot": True, "first_name": "Bot"}
    button = {"text": "Stop", "callback_data": PRESSED}
    keyboard = {"inline_keyboard": [[button]]}
    shown = command(operated, **{"from": bot, "reply_markup": keyboard})
    other_button = {"inline_keyboard": [[button | {"callback_data": "switch:run:payouts"}]]}
    channel = {"id": operated.chat("channel"), "type": "channel", "title": "C"}
    for forged in (
        shown | {"from": OTHER_BOT},
        shown | {"reply_markup": other_button},
        {key: value for key, value in shown.items() if key != "reply_markup"},
        shown | {"chat": channel},
        {"chat": shown["chat"], "message_id": 900, "date": 0},
    ):
        await receive(operated, callback_query=press(operated, forged))
        assert await is_running(operated)
    await receive(operated, callback_query=press(operated, shown))
    assert not await is_running(operated)


async def test_the_bot_says_nothing_in_a_channel_after_an_error(
    market: Marketplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise ValueError("a fault of the product")

    await market.connect_channel()
    monkeypatch.setattr(channels, "record_message_id", fail)
    before = await market.messages("channel")
    channel = market.chat("channel")
    await market.world.control(f"chats/{channel}/post", user_id=market.chat("owner"), text="news")
    await market.settle()
    assert len(await market.messages("channel")) == len(before) + 1
    assert len(await market.rows("SELECT id FROM inbox WHERE failed_at IS NOT NULL")) == 1
