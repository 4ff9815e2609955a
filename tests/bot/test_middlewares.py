"""Test that the bot obeys only typed texts and presses of its own buttons."""

# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

from typing import Any

import pytest
from sqlalchemy import text

from bot import storing_updates
from bot.operator_callbacks import OnSwitch, SwitchAct
from bot.screens.operators import STOP_REASONS
from db.models.operations import Switch
from db.models.users import Role
from services.market import newest_messages
from services.platform import outbox
from tests.handlers.marketplace import Marketplace

STOP = "/killswitch stop payouts x"
PRESSED = OnSwitch(act=SwitchAct.STOP, key=Switch.PAYOUTS, reason=STOP_REASONS[0]).pack()
OTHER_BOT = {"id": 999, "is_bot": True, "first_name": "Other bot", "username": "other_bot"}
HIDDEN = {"type": "hidden_user", "date": 1, "sender_user_name": "A friend"}


@pytest.fixture
async def operated(market: Marketplace) -> Marketplace:
    """Return a marketplace in which the person "admin" is an operator."""
    await market.employ("admin", Role.OPERATOR)
    return market


async def receive(market: Marketplace, **content: Any) -> None:
    """Let the bot receive and handle an update."""
    number = 1_000_000 + len(await market.rows("SELECT id FROM inbox"))
    await storing_updates.store(market.database.sessions, [{"update_id": number, **content}])
    market.worker.wake()
    await market.settle()


def command(market: Marketplace, **more: Any) -> dict[str, Any]:
    """Return a message in the admin chat with the command that stops payouts."""
    chat = {"id": market.chat("group"), "type": "group", "title": "Admins"}
    person = {"id": market.chat("admin"), "is_bot": False, "first_name": "Admin"}
    return {"message_id": 900, "date": 1, "chat": chat, "from": person, "text": STOP} | more


def private_message(market: Marketplace, **more: Any) -> dict[str, Any]:
    """Return a message of the advertiser in the private chat with the bot."""
    chat = {"id": market.chat("advertiser"), "type": "private"}
    person = {"id": market.chat("advertiser"), "is_bot": False, "first_name": "Advertiser"}
    return {"message_id": 900, "date": 1, "chat": chat, "from": person} | more


def press(market: Marketplace, message: dict[str, Any]) -> dict[str, Any]:
    """Return a callback query: an operator presses the button that stops payouts."""
    person = {"id": market.chat("admin"), "is_bot": False, "first_name": "Admin"}
    return {"id": "1", "from": person, "chat_instance": "1", "data": PRESSED, "message": message}


async def is_running(market: Marketplace) -> bool:
    """Return True if payouts are allowed."""
    return bool(await market.value("SELECT enabled FROM kill_switches WHERE key = 'payouts'"))


@pytest.mark.parametrize(
    "more",
    [
        {"forward_origin": HIDDEN},
        {"forward_origin": {"type": "of a new kind", "date": 1}},
        {"via_bot": OTHER_BOT},
        {"sender_business_bot": OTHER_BOT},
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


@pytest.mark.parametrize(
    "kind",
    [
        *("edited_message", "channel_post", "edited_channel_post"),
        *("business_message", "edited_business_message", "guest_message"),
    ],
)
async def test_a_command_in_another_kind_of_update_does_nothing(
    operated: Marketplace, kind: str
) -> None:
    before = len(await operated.messages("group"))
    await receive(operated, **{kind: command(operated)})
    assert await is_running(operated)
    assert len(await operated.messages("group")) == before


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
    ad = private_message(market, text="Fresh bread", forward_origin=HIDDEN)
    await receive(market, message=ad)
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


async def test_a_forwarded_message_answers_no_other_question(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "➕ New campaign")
    for more in (
        {"forward_origin": HIDDEN},
        {"via_bot": OTHER_BOT},
        {"sender_business_bot": OTHER_BOT},
    ):
        await receive(market, message=private_message(market, text="Bakery", **more))
        problem = await market.last("advertiser")
        assert "Please type the answer yourself" in problem
        assert "What is it called" in problem
    await receive(market, message=private_message(market, text="Bakery"))
    assert "send the ad itself" in await market.last("advertiser")


async def test_a_press_in_another_chat_does_nothing_and_gets_no_text(
    operated: Marketplace,
) -> None:
    button = {"text": "Stop", "callback_data": PRESSED}
    made = await operated.world.control(
        "groups", owner_id=operated.chat("admin"), title="Friends", member_ids=["bot"]
    )
    operated.world.ids["friends"] = made["id"]
    for chat in ("channel", "friends", "advertiser"):
        if chat == "channel":
            await operated.world.promote(can_post_messages=True)
        await operated.say("advertiser", "/start")
        await operated.world.call(
            "sendMessage",
            chat_id=operated.chat(chat),
            text="a message with buttons",
            reply_markup={"inline_keyboard": [[button]]},
        )
        before = await operated.messages(chat)
        [shown] = [
            message.body
            for message in operated.world.state.messages[operated.chat(chat)].values()
            if "reply_markup" in message.body and message.body["text"] == "a message with buttons"
        ]
        if chat == "channel":
            who = "owner"
            assert await operated.press(who, "Stop", where=chat) == ""
        await receive(operated, callback_query=press(operated, shown))
        assert await is_running(operated)
        assert await operated.messages(chat) == before
    assert await operated.rows("SELECT id FROM inbox WHERE failed_at IS NOT NULL") == []


async def test_a_press_in_an_old_message_shows_the_screen_anew(operated: Marketplace) -> None:
    chat = {"id": operated.chat("group"), "type": "supergroup", "title": "Admins"}
    old = {"chat": chat, "message_id": 900, "date": 0}
    await receive(operated, callback_query=press(operated, old))
    assert await is_running(operated)
    assert "payouts" in await operated.last("group")
    assert await operated.press("admin", "⛔ Stop payouts", where="group") == ""
    assert "Why do you stop payouts" in await operated.last("group")
    assert await is_running(operated)


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ("go:wallet:0:0", "Available"),
        ("withdraw:5000:key", "Available"),
        ("nonsense", "What would you like to do"),
        ("camp:cancel_sure:x", "What would you like to do"),
    ],
)
async def test_a_press_in_an_old_private_message_moves_no_money(
    market: Marketplace, data: str, shown: str
) -> None:
    await market.give("advertiser", 5_000)
    await market.say("advertiser", "/start")
    before = await market.everything()
    message = private_message(market)
    old = {"chat": message["chat"], "message_id": 900, "date": 0}
    pressed = press(market, old) | {"from": message["from"], "data": data}
    await receive(market, callback_query=pressed)
    assert shown in await market.last("advertiser")
    assert await market.everything() == before


async def test_a_stale_press_that_is_too_old_to_answer_is_no_error(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.world.control(
        "faults",
        method="answerCallbackQuery",
        kind="error",
        error_code=400,
        description="Bad Request: query is too old and response timeout expired",
    )
    message = private_message(market)
    stranger = message | {"from": OTHER_BOT}
    pressed = press(market, stranger) | {"from": message["from"]}
    await receive(market, callback_query=pressed)
    assert "went wrong" not in await market.last("advertiser")
    assert await market.rows("SELECT id FROM inbox WHERE failed_at IS NOT NULL") == []


@pytest.mark.parametrize("who", ["admin", "advertiser"])
async def test_the_bot_says_nothing_in_a_group_of_others(operated: Marketplace, who: str) -> None:
    made = await operated.world.control(
        "groups",
        owner_id=operated.chat(who),
        title="Friends",
        member_ids=["bot"],
    )
    operated.world.ids["friends"] = made["id"]
    for words in (STOP, "/start", "/menu", "hello", "/queue", "/there 1 2", "/help"):
        await operated.say(who, words, where="friends")
    assert [m for m in await operated.messages("friends") if m["from"] == operated.bot.id] == []
    assert await is_running(operated)
    assert "AccessDenied" in [row["error"] for row in await operated.refusals()]
    assert await operated.rows("SELECT id FROM inbox WHERE failed_at IS NOT NULL") == []


async def test_nobody_acts_as_staff_while_the_admin_chat_is_public(operated: Marketplace) -> None:
    group = operated.world.state.chats[operated.chat("group")]
    await operated.say("admin", "/killswitch", where="group")
    group.username = "everybody_welcome"
    await operated.say("admin", STOP, where="group")
    assert "public now" in await operated.last("group")
    assert await is_running(operated)
    shown = command(operated)["chat"] | {"username": group.username}
    bot = {"id": operated.bot.id, "is_bot": True, "first_name": "Bot"}
    keyboard = {"inline_keyboard": [[{"text": "Stop", "callback_data": PRESSED}]]}
    own = command(operated, **{"from": bot, "reply_markup": keyboard, "chat": shown})
    await receive(operated, callback_query=press(operated, own))
    assert await is_running(operated)
    answers = len(await operated.messages("group"))
    old = {"chat": shown, "message_id": 900, "date": 0}
    await receive(operated, callback_query=press(operated, old))
    assert len(await operated.messages("group")) == answers + 1  # the reason, and not the panel
    assert "public now" in await operated.last("group")
    before = len(await operated.messages("group"))
    await operated.say("admin", "What happened?", where="group")
    assert len(await operated.messages("group")) == before + 1
    group.username = None
    await operated.say("admin", STOP, where="group")
    assert not await is_running(operated)


async def test_the_bot_says_nothing_in_a_channel_after_an_error(
    market: Marketplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise ValueError("a fault of the product")

    await market.connect_channel()
    monkeypatch.setattr(newest_messages, "record", fail)
    before = await market.messages("channel")
    channel = market.chat("channel")
    await market.world.control(f"chats/{channel}/post", user_id=market.chat("owner"), text="news")
    await market.settle()
    assert len(await market.messages("channel")) == len(before) + 1
    assert len(await market.rows("SELECT id FROM inbox WHERE failed_at IS NOT NULL")) == 1


async def test_a_person_who_is_back_gets_one_summary(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    chat = market.chat("advertiser")
    waiting = "SELECT count(*) FROM outbox WHERE kind = 'missed_notices'"

    async def miss() -> None:
        actor = await market.actor("advertiser")
        async with market.database.sessions.begin() as session:
            await outbox.add(
                session, user_id=actor.user_id, kind="deposit_credited", payload={"amount": 700}
            )
            newest = await session.scalar(text("SELECT max(id) FROM outbox"))
            await outbox.record_failed(session, id=newest, error="blocked", retry_in=None)

    await miss()
    for status, queued in (("kicked", 0), ("member", 1)):
        await market.world.control(f"chats/{chat}/members", user_id="bot", status=status)
        await market.settle()
        assert await market.value(waiting) == queued
    await miss()
    await market.say("advertiser", "/start")
    assert await market.value(waiting) == 2
    await miss()
    await market.press("advertiser", "📣 Campaigns")
    assert await market.value(waiting) == 3
    await market.press("advertiser", "⬅️ Back")
    assert await market.value(waiting) == 3
