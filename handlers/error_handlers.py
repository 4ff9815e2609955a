"""Handle errors of handlers: log them, write audit rows, and answer the person."""

import structlog
from aiogram import Router
from aiogram.enums import ChatType
from aiogram.exceptions import TelegramForbiddenError
from aiogram.filters import ExceptionTypeFilter
from aiogram.types import CallbackQuery, ErrorEvent, Message
from aiogram.types.update import UpdateTypeLookupError

from bot import metrics
from bot.context import AlreadyHandledError, RequestContext, TryLaterError
from bot.errors import AUDITED, explain
from bot.telegram.answers import NOT_ANSWERED, ForeignChatError
from db import failures
from db.correlation import correlation_id
from db.models.operations import FailureKind
from handlers import respond
from services.platform import audit, errors

log = structlog.get_logger(__name__)

refusals = Router(name="refusals")
unexpected_errors = Router(name="unexpected_errors")
"""The last router, for errors that no other error handler takes."""

LEFT_TO_THE_INBOX = (
    TryLaterError,  # the update will be handled later
    AlreadyHandledError,  # another process has handled the update
    UpdateTypeLookupError,  # aiogram does not know this kind of update
    TelegramForbiddenError,  # the bot may not write to this chat
    ForeignChatError,  # the same
    *NOT_ANSWERED,  # Telegram refused the answer, but the requested action may have succeeded
)
"""After these errors, the bot shows no apology."""


@refusals.errors(ExceptionTypeFilter(errors.DomainError))
async def handle_refusal(event: ErrorEvent, context: RequestContext) -> None:
    """Answer a refused request with the reason."""
    error = event.exception
    if not isinstance(error, errors.DomainError):
        raise error
    metrics.count_refusal(error)
    if isinstance(error, errors.InvalidMove):
        failures.count(FailureKind.CONFLICT)
    # Anybody could fill the log from a group of their own.
    write = log.debug if _is_strangers_group(event, context) else log.info
    with context.logged_actor():
        write("refused", act=context.action, error=type(error).__name__)
    await record(context, error)
    await _answer(event, explain(context.t, error))


def _is_strangers_group(event: ErrorEvent, context: RequestContext) -> bool:
    """Return whether a person without a role wrote in a group that is not the admin chat."""
    message = event.update.message
    if message is None or context.identified_actor is None or context.actor.roles:
        return False
    return message.chat.type != ChatType.PRIVATE and not context.actor.in_admin_chat


async def record(context: RequestContext, error: errors.DomainError) -> None:
    """Write an audit row about a refusal, in a new transaction.

    Writes nothing for an error outside AUDITED or an unknown sender, or if a person without a role
    has had too many refusals in this hour.
    """
    if isinstance(error, AUDITED) and context.identified_actor is not None:
        throttle = context.dependencies.throttle
        if not context.actor.roles and not throttle.may_audit(context.user_id):
            return
        action = error.action if isinstance(error, errors.AccessDenied) else context.action
        async with context.begin() as session:
            await audit.record_denied(session, actor=context.actor, action=action, error=error)


@unexpected_errors.errors(~ExceptionTypeFilter(*LEFT_TO_THE_INBOX))
async def handle_unexpected_error(event: ErrorEvent, context: RequestContext | None = None) -> None:
    """Log an unexpected error, and answer with an apology and the update's correlation id."""
    error = event.exception
    if context is None:
        # The error came before the context existed, so there is nobody to answer.
        raise error
    context.update_result.failure = type(error).__name__
    metrics.UPDATE_ERRORS.labels(type(error).__name__).inc()
    with context.logged_actor():
        log.error("Worker error", act=context.action, exc_info=error)
    # After a commit, "try again" would be wrong advice.
    text = context.t(
        "surprise-saved" if context.update_result.marked else "surprise",
        reference=str(correlation_id.get()),
    )
    await _answer(event, text)


async def _answer(event: ErrorEvent, text: str) -> None:
    inner = event.update.event
    if isinstance(inner, CallbackQuery | Message):
        await respond.alert(inner, text)
