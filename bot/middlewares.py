"""Find the person and the language of an update, and stop forged or forwarded commands."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import structlog
from aiogram import BaseMiddleware, Bot
from aiogram.enums import ChatType
from aiogram.exceptions import TelegramAPIError
from aiogram.types import (
    CallbackQuery,
    Chat,
    ChatMemberUpdated,
    InaccessibleMessage,
    Message,
    TelegramObject,
    Update,
)
from aiogram.types import User as TelegramUser
from aiogram_dialog.utils import REPLY_CALLBACK_SYMBOLS

from bot import button_screens
from bot.callbacks import BESIDE, ConfirmAdminChat
from bot.context import Dependencies, RequestContext, database_errors
from bot.screens import admin_chat as admin_chat_screens
from bot.stop_path import is_stop
from bot.telegram.answers import answer_press
from bot.texts import Texts
from db.models.users import Role, User
from services.market import registration
from services.platform import errors, missed_notices, users
from services.platform.actors import Actor

log = structlog.get_logger(__name__)

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]
_WHOLE_MESSAGE = "whole_message"
_COMMAND_LENGTH = 32
_GROUPS = (ChatType.GROUP, ChatType.SUPERGROUP)
_CONFIRM = ConfirmAdminChat().pack()


class ContextMiddleware(BaseMiddleware):
    """The middleware that gives each handler a RequestContext and registers new people."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Call the handler with the context of the update."""
        data["context"] = context = await _build_context(event, data)
        if context.person is not None and context.person.missed_at is not None and _is_back(event):
            async with database_errors(), context.dependencies.sessions.begin() as session:
                await missed_notices.queue_summary(session, context.person.id)
        with context.logged_actor():
            return await handler(event, data)


class OwnWordsMiddleware(BaseMiddleware):
    """The middleware that stops messages that are not a person's own words."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Call the handler unless the message is by a chat or a bot, or is a forwarded command.

        The bot answers a stopped command in the admin chat or in a private chat.
        """
        context: RequestContext = data["context"]
        bot: Bot = data["bot"]
        if not isinstance(event, Message) or _is_report(event):
            return await handler(event, data)
        answer = None
        if event.sender_chat is not None:
            answer = context.t("anonymous")
        elif _is_command(event) and not are_own_words(event):
            answer = context.t("not-own-words")
        elif event.from_user is not None and not event.from_user.is_bot:
            return await handler(event, data)
        heard = event.chat.id == context.admin_chat_id or event.chat.type == ChatType.PRIVATE
        if answer is not None and heard and _is_command(event):
            await bot.send_message(event.chat.id, answer)
        return None


def are_own_words(message: Message) -> bool:
    """Return whether a person typed a message, and no bot did it for them or for somebody else."""
    return not (message.forward_origin or message.via_bot or message.sender_business_bot)


def _is_report(message: Message) -> bool:
    """Return whether Telegram wrote a message about a moved group or a payment."""
    return (
        message.migrate_to_chat_id is not None
        or message.migrate_from_chat_id is not None
        or _is_about_payment(message)
    )


def _is_about_payment(message: Message) -> bool:
    """Return whether a message reports a payment or a refund. Such a message is never ignored."""
    return message.successful_payment is not None or message.refunded_payment is not None


def _is_command(message: Message) -> bool:
    return (message.text or message.caption or "").lstrip().startswith("/")


class PrivateAdminChatMiddleware(BaseMiddleware):
    """The middleware that refuses the staff's commands and presses in a public admin chat."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Call the handler, except for an update from a public admin chat.

        For a command or a press, raises AdminChatPublic. Ignores any other message from this chat.
        """
        context: RequestContext = data["context"]
        message = event.message if isinstance(event, CallbackQuery) else event
        if not isinstance(message, Message | InaccessibleMessage) or not _is_public_admin_chat(
            context, message.chat
        ):
            return await handler(event, data)
        if isinstance(event, Message) and _is_about_payment(event):
            return await handler(event, data)
        if not isinstance(event, Message) or _is_command(event):
            log.error("admin chat is public", act=context.action)
            raise errors.AdminChatPublic
        return None


def _is_public_admin_chat(context: RequestContext, chat: Chat) -> bool:
    return context.may_be_admin_chat(chat.id) and chat.username is not None


class ConfirmedAdminChatMiddleware(BaseMiddleware):
    """The middleware that refuses the staff's commands and presses in an unconfirmed admin chat."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Call the handler, unless the staff acts in an admin chat that is not confirmed.

        The bot answers with the message whose button confirms the chat. A stop of a kill switch
        acts nevertheless: nobody gains by a wrong stop, and money may be lost by a late one.
        """
        context: RequestContext = data["context"]
        bot: Bot = data["bot"]
        message = event.message if isinstance(event, CallbackQuery) else event
        if (
            not isinstance(message, Message | InaccessibleMessage)
            or message.chat.id not in context.dependencies.admin_chat.unconfirmed_ids
            or context.identified_actor is None
            or not context.actor.roles
            or (isinstance(event, CallbackQuery) and event.data == _CONFIRM)
            or (isinstance(event, Message) and not _is_command(event))
        ):
            return await handler(event, data)
        log.warning("admin chat is not confirmed", act=context.action)
        if is_stop(event):
            context.identified_actor = replace(context.actor, in_admin_chat=True)
            await handler(event, data)
        elif isinstance(event, CallbackQuery):
            await answer_press(event, context.t("admin-chat-unconfirmed"))
        for method in admin_chat_screens.moved(context.t, "staff").methods(message.chat.id):
            await bot(method)
        return None


class OwnButtonMiddleware(BaseMiddleware):
    """The middleware that stops presses of buttons that the bot did not send to this chat."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Call the handler if the bot sent the pressed button; otherwise show an alert.

        A press in a very old message only shows the button's screen.
        """
        context: RequestContext = data["context"]
        bot: Bot = data["bot"]
        if not isinstance(event, CallbackQuery):
            return await handler(event, data)
        message = event.message
        in_admin_chat = message is not None and context.may_be_admin_chat(message.chat.id)
        if message is not None and not in_admin_chat and message.chat.id != event.from_user.id:
            await answer_press(event)
            return None
        if isinstance(message, Message) and _is_own_button(message, event.data, bot.id):
            return await handler(event, data)
        if isinstance(message, InaccessibleMessage):
            shown = button_screens.screen_data(event.data or "", staff=in_admin_chat)
            if shown is not None:
                return await handler(event.model_copy(update={"data": shown}), data)
        await answer_press(event, context.t("button-stale"))
        return None


class HideInvisibleEndMiddleware(BaseMiddleware):
    """The middleware that lets aiogram-dialog read no press from the end of a text.

    aiogram-dialog writes the data of its reply buttons in invisible characters. The bot has no such
    button, so these characters are a person's own, for example from a copied text. As a press,
    they would skip the check of OwnButtonMiddleware. RestoreTextMiddleware must come afterwards.
    """

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Call the handler with the text of a message without its invisible end."""
        if isinstance(event, Message) and event.text:
            data[_WHOLE_MESSAGE] = event
            visible = event.text.rstrip(REPLY_CALLBACK_SYMBOLS)
            event = event.model_copy(update={"text": visible})
        return await handler(event, data)


class RestoreTextMiddleware(BaseMiddleware):
    """The middleware that gives the handlers a message as the person wrote it."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Call the handler with the whole text of a message."""
        return await handler(data.pop(_WHOLE_MESSAGE, event), data)


class ReceiptMiddleware(BaseMiddleware):
    """The middleware that prevents the handlers from editing a receipt."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Call the handler, but without the message if the message is a receipt."""
        if not isinstance(event, CallbackQuery) or event.message is None:
            return await handler(event, data)
        action = (event.data or "").removeprefix(BESIDE)
        if action == event.data:
            return await handler(event, data)
        message = InaccessibleMessage(
            chat=event.message.chat, message_id=event.message.message_id, date=0
        )
        return await handler(event.model_copy(update={"data": action, "message": message}), data)


def _is_own_button(message: Message, pressed: str | None, bot_id: int) -> bool:
    sent_by_bot = message.from_user is not None and message.from_user.id == bot_id
    buttons = message.reply_markup.inline_keyboard if message.reply_markup else []
    return sent_by_bot and any(button.callback_data == pressed for row in buttons for button in row)


async def _build_context(event: TelegramObject, data: dict[str, Any]) -> RequestContext:
    """Return the context of an update, and register a new person."""
    telegram_user: TelegramUser | None = data.get("event_from_user")
    chat: Chat | None = data.get("event_chat")
    dependencies: Dependencies = data["dependencies"]
    currency = dependencies.settings.currency
    context = RequestContext(
        dependencies,
        data["update_result"],
        Texts(
            users.known_language(telegram_user.language_code if telegram_user else None),
            currency,
        ),
        action=_action_name(event),
    )
    if telegram_user is None or telegram_user.is_bot:
        return context
    person, roles, context.is_newcomer = await _find_or_register(dependencies, telegram_user)
    context.person = person
    if roles and chat is not None and chat.type in _GROUPS and chat.id != context.admin_chat_id:
        await _find_moved_admin_chat(data["bot"], dependencies)
    context.identified_actor = Actor(
        user_id=person.id,
        roles=roles,
        in_admin_chat=chat is not None and chat.id == dependencies.admin_chat.id,
        inbox_id=context.update_result.inbox_id,
    )
    context.t = Texts(person.language, currency, person.time_zone)
    return context


async def _find_moved_admin_chat(bot: Bot, dependencies: Dependencies) -> None:
    # Telegram's answer about a moved chat contains the new id, and FollowAdminChat records this id.
    if dependencies.admin_chat.may_ask():
        with suppress(TelegramAPIError):
            await bot.get_chat(dependencies.admin_chat.id)


async def _find_or_register(
    dependencies: Dependencies, telegram_user: TelegramUser
) -> tuple[User, frozenset[Role], bool]:
    """Return a person, the person's roles, and whether the person is new and was registered."""
    language = users.known_language(telegram_user.language_code)
    found = await dependencies.find_person(telegram_user.id)
    if found is not None and (found[0].language_chosen or found[0].language == language):
        return *found, False
    async with database_errors(), dependencies.sessions.begin() as session:
        person = await registration.register(
            session,
            telegram_id=telegram_user.id,
            language=language,
            currency=dependencies.settings.currency,
        )
        return person, await users.roles(session, person.id), found is None


def _is_back(event: TelegramObject) -> bool:
    """Return whether an update shows that the person reads the bot's messages (again)."""
    content = event.event if isinstance(event, Update) else event
    match content:
        case ChatMemberUpdated(chat=chat):
            return chat.type == ChatType.PRIVATE and content.new_chat_member.status == "member"
        case CallbackQuery(message=message) if message is not None:
            return message.chat.type == ChatType.PRIVATE
        case Message(chat=chat):
            return chat.type == ChatType.PRIVATE
        case _:
            return False


def _action_name(event: TelegramObject) -> str:
    """Return the requested action, for example `/start`, without a person's own text."""
    if not isinstance(event, Update):
        return "update"
    content = event.event
    if isinstance(content, CallbackQuery):
        prefix, _, rest = (content.data or "").removeprefix(BESIDE).partition(":")
        return f"{prefix}:{rest.partition(':')[0]}" if prefix.isascii() and rest else "form"
    if isinstance(content, Message):
        command = (content.text or "").partition(" ")[0].partition("@")[0][:_COMMAND_LENGTH]
        is_command = command.startswith("/") and command[1:].isalpha() and command.isascii()
        return command if is_command else "message"
    return event.event_type
