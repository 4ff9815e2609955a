"""Find the person, the language and the correlation id of an update before its handler runs."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiogram import BaseMiddleware, Bot
from aiogram.types import CallbackQuery, Chat, Message, TelegramObject, Update
from aiogram.types import User as TelegramUser

from bot.context import Dependencies, RequestContext, database_errors, read_only
from bot.texts import Texts
from db.models.users import Role, User
from services.market import registration
from services.platform import users
from services.platform.actors import Actor, correlation_id

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]
_COMMAND_LENGTH = 32


class ContextMiddleware(BaseMiddleware):
    """Give each handler a `context`, and register each person at the person's first update."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Build the context, then call the handler.

        An error in this method reaches the error handlers.
        """
        new_id = uuid.uuid4().hex[:12]
        token = correlation_id.set(new_id)
        try:
            with structlog.contextvars.bound_contextvars(correlation_id=new_id):
                data["context"] = context = await _build_context(event, data)
                if context.person is None:
                    return await handler(event, data)
                with structlog.contextvars.bound_contextvars(
                    actor_id=context.person.id, role=_role_name(context.actor)
                ):
                    return await handler(event, data)
        finally:
            correlation_id.reset(token)


class SenderChatMiddleware(BaseMiddleware):
    """Stop messages that were sent in the name of a chat (by an anonymous admin or a channel).

    Such a message does not say which person wrote it. Therefore it must not be handled like a
    person's message.
    """

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Call the handler, except for a message that was sent in the name of a chat.

        A command of an anonymous admin is answered with a text. All other messages of a chat are
        ignored.
        """
        context: RequestContext = data["context"]
        bot: Bot = data["bot"]
        if (
            not isinstance(event, Message)
            or event.sender_chat is None
            or event.migrate_to_chat_id is not None
        ):
            return await handler(event, data)
        if event.chat.id == context.admin_chat_id and (event.text or "").startswith("/"):
            await bot.send_message(event.chat.id, context.t("anonymous"))
        return None


async def _build_context(event: TelegramObject, data: dict[str, Any]) -> RequestContext:
    """Return the context of an update, and register the update's person if the person is new."""
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
    person, roles = await _find_or_register(dependencies, telegram_user)
    context.person = person
    context.identified_actor = Actor(
        user_id=person.id,
        roles=roles,
        in_admin_chat=chat is not None and chat.id == dependencies.admin_chat_id,
    )
    context.t = Texts(person.language, currency, person.time_zone)
    return context


async def _find_or_register(
    dependencies: Dependencies, telegram_user: TelegramUser
) -> tuple[User, frozenset[Role]]:
    """Return a person and the person's roles, and register a new person.

    If the language of the person's Telegram app has changed, the new language is stored. A language
    that the person has chosen in the bot is never changed here.
    """
    language = users.known_language(telegram_user.language_code)
    async with read_only(dependencies.sessions) as session:
        person = await users.by_telegram_id(session, telegram_user.id)
        if person is not None and (person.language_chosen or person.language == language):
            return person, await users.roles(session, person.id)
    async with database_errors(), dependencies.sessions.begin() as session:
        person = await registration.register(
            session,
            telegram_id=telegram_user.id,
            language=language,
            currency=dependencies.settings.currency,
        )
        return person, await users.roles(session, person.id)


def _role_name(actor: Actor) -> str:
    if not actor.in_admin_chat:
        return "person"
    return ",".join(sorted(actor.roles)) or "none"


def _action_name(event: TelegramObject) -> str:
    """Return a name of the requested action. The name contains no text that the person wrote."""
    if not isinstance(event, Update):
        return "update"
    content = event.event
    if isinstance(content, CallbackQuery):
        prefix, _, rest = (content.data or "").partition(":")
        return f"{prefix}:{rest.partition(':')[0]}" if prefix.isascii() and rest else "form"
    if isinstance(content, Message):
        command = (content.text or "").partition(" ")[0].partition("@")[0][:_COMMAND_LENGTH]
        is_command = command.startswith("/") and command[1:].isalpha() and command.isascii()
        return command if is_command else "message"
    return event.event_type
