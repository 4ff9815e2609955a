"""Test that aiogram's own client can use the sandbox's server and parse all its answers."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiogram import Bot, methods
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest
from aiogram.methods.base import TelegramMethod
from aiogram.types import (
    BotCommand,
    BotCommandScopeChat,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    LabeledPrice,
    LinkPreviewOptions,
    MessageEntity,
)

from tests.factories import pictures
from tests.sandbox.telegram.raw_world import BOT_TOKEN, SandboxClient


@pytest.fixture
async def bot(world: SandboxClient) -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(world.url))
    async with Bot(BOT_TOKEN, session=session) as running:
        yield running


async def test_messages(bot: Bot, world: SandboxClient) -> None:
    me = await bot.get_me()
    assert me.id == bot.id
    markup = InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text="Buy", callback_data="buy")]]
    )
    sent = await bot.send_message(
        world.ids["advertiser"],
        "hello",
        entities=[MessageEntity(type="bold", offset=0, length=5)],
        link_preview_options=LinkPreviewOptions(is_disabled=True),
        reply_markup=markup,
    )
    assert sent.reply_markup is not None
    assert sent.reply_markup.inline_keyboard[0][0].callback_data == "buy"
    assert sent.link_preview_options is not None
    assert sent.link_preview_options.is_disabled is True
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_reply_markup(
            chat_id=sent.chat.id, message_id=sent.message_id, reply_markup=markup
        )


async def test_upload_and_media_edit(bot: Bot, world: SandboxClient) -> None:
    channel = world.ids["channel"]
    sent = await bot.send_photo(channel, BufferedInputFile(pictures.png(), "a.png"), caption="Ad")
    assert sent.photo is not None
    assert sent.caption == "Ad"
    second = pictures.png(color="blue")
    edited = await bot.edit_message_media(
        InputMediaPhoto(media=BufferedInputFile(second, "b.png"), caption="Ad"),
        chat_id=channel,
        message_id=sent.message_id,
    )
    assert not isinstance(edited, bool)
    assert edited.photo is not None
    content = await bot.download(edited.photo[-1].file_id)
    assert content is not None
    assert content.read() == second


async def test_every_result_is_what_aiogram_expects(bot: Bot, world: SandboxClient) -> None:
    channel, person, group = (world.ids[name] for name in ("channel", "advertiser", "group"))
    sent = await bot.send_message(channel, "ad")
    photo = (await world.say("", photo=True))["photo"][-1]["file_id"]
    video = (await world.say("", video=True))["video"]["file_id"]
    animation = (await world.say("", animation=True))["animation"]["file_id"]
    there: dict[str, Any] = {"chat_id": channel, "message_id": sent.message_id}
    prices = [LabeledPrice(label="a", amount=5)]
    calls: list[TelegramMethod[Any]] = [
        methods.SendPhoto(chat_id=channel, photo=photo, caption="a"),
        methods.SendDocument(
            chat_id=person, document=BufferedInputFile(b"text", "a.html"), caption="a"
        ),
        methods.SendVideo(chat_id=channel, video=video, protect_content=True),
        methods.SendAnimation(chat_id=channel, animation=animation),
        methods.CopyMessage(chat_id=person, from_chat_id=channel, message_id=sent.message_id),
        methods.ForwardMessage(chat_id=group, from_chat_id=channel, message_id=sent.message_id),
        methods.EditMessageText(text="b", **there),
        methods.SendInvoice(
            chat_id=person,
            title="t",
            description="d",
            payload="p",
            currency="XTR",
            prices=prices,
        ),
        methods.SendChatAction(chat_id=person, action="typing"),
        methods.GetChat(chat_id=channel),
        methods.GetChat(chat_id=person),
        methods.GetChat(chat_id=group),
        methods.GetChatMember(chat_id=group, user_id=bot.id),
        methods.GetChatMember(chat_id=channel, user_id=person),
        methods.GetChatAdministrators(chat_id=group),
        methods.GetChatMemberCount(chat_id=group),
        methods.SetMyCommands(
            commands=[BotCommand(command="start", description="Begin")],
            scope=BotCommandScopeChat(chat_id=group),
        ),
        methods.GetMyCommands(scope=BotCommandScopeChat(chat_id=group)),
        methods.GetMyCommands(),
        methods.SetMyDescription(description="Ads"),
        methods.GetMyDescription(),
        methods.GetMyName(),
        methods.GetWebhookInfo(),
        methods.GetStarTransactions(),
        methods.DeleteMessage(**there),
        methods.GetUpdates(),
    ]
    results = {type(call).__name__: await bot(call) for call in calls}
    assert results["GetMyDescription"].description == "Ads"
    assert [update.message is not None for update in results["GetUpdates"]] == [True] * 3


async def test_chats_members_and_updates(bot: Bot, world: SandboxClient) -> None:
    channel = world.ids["channel"]
    assert (await bot.get_chat(channel)).title == "Daily"
    statuses = [str(member.status) for member in await bot.get_chat_administrators(channel)]
    assert len(statuses) == 2
    await world.promote(can_post_messages=True, can_edit_messages=True)
    await world.say("hi")
    rights, message = await bot.get_updates()
    assert rights.my_chat_member is not None
    assert message.message is not None
    assert message.message.text == "hi"
