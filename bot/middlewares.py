"""What stands before every handler: who speaks, in which language, under which correlation id."""

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
    """Gives handlers a `context`; registers people at their first word."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Find the person, then hand over. Runs on updates, below the error handlers."""
        reference = uuid.uuid4().hex[:12]
        token = correlation_id.set(reference)
        try:
            with structlog.contextvars.bound_contextvars(correlation_id=reference):
                data["context"] = context = await _turn(event, data)
                if context.person is None:
                    return await handler(event, data)
                with structlog.contextvars.bound_contextvars(
                    actor_id=context.person.id, role=_role_word(context.actor)
                ):
                    return await handler(event, data)
        finally:
            correlation_id.reset(token)


class SenderChatMiddleware(BaseMiddleware):
    """Refuses to take a message in a chat's name (an anonymous admin, a channel) for a person's."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Answer a command of an anonymous admin; drop everything else of theirs."""
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


async def _turn(event: TelegramObject, data: dict[str, Any]) -> RequestContext:
    identified_actor: TelegramUser | None = data.get("event_from_user")
    chat: Chat | None = data.get("event_chat")
    dependencies: Dependencies = data["dependencies"]
    currency = dependencies.settings.currency
    context = RequestContext(
        dependencies,
        data["update_result"],
        Texts(
            users.known_language(identified_actor.language_code if identified_actor else None),
            currency,
        ),
        act=_act(event),
    )
    if identified_actor is None or identified_actor.is_bot:
        return context
    person, roles = await _register(dependencies, identified_actor)
    context.person = person
    context.identified_actor = Actor(
        user_id=person.id,
        roles=roles,
        in_admin_chat=chat is not None and chat.id == dependencies.admin_chat_id,
    )
    context.t = Texts(person.language, currency, person.time_zone)
    return context


async def _register(
    dependencies: Dependencies, identified_actor: TelegramUser
) -> tuple[User, frozenset[Role]]:
    language = users.known_language(identified_actor.language_code)
    async with read_only(dependencies.sessions) as session:
        person = await users.by_telegram_id(session, identified_actor.id)
        if person is not None and (person.language_chosen or person.language == language):
            return person, await users.roles(session, person.id)
    async with database_errors(), dependencies.sessions.begin() as session:
        person = await registration.register(
            session,
            telegram_id=identified_actor.id,
            language=language,
            currency=dependencies.settings.currency,
        )
        return person, await users.roles(session, person.id)


def _role_word(actor: Actor) -> str:
    if not actor.in_admin_chat:
        return "person"
    return ",".join(sorted(actor.roles)) or "none"


def _act(event: TelegramObject) -> str:
    """Name what was asked for without a word of what the person wrote."""
    if not isinstance(event, Update):
        return "update"
    inner = event.event
    if isinstance(inner, CallbackQuery):
        prefix, _, rest = (inner.data or "").partition(":")
        return f"{prefix}:{rest.partition(':')[0]}" if prefix.isascii() and rest else "form"
    if isinstance(inner, Message):
        word = (inner.text or "").partition(" ")[0].partition("@")[0][:_COMMAND_LENGTH]
        return word if word.startswith("/") and word[1:].isalpha() and word.isascii() else "message"
    return event.event_type
