"""What a person is told when something was refused or went wrong."""

import structlog
from aiogram import Router
from aiogram.filters import ExceptionTypeFilter
from aiogram.types import CallbackQuery, ErrorEvent, Message
from aiogram.types.update import UpdateTypeLookupError

from bot import metrics
from bot.context import AlreadyHandledError, RequestContext, TryLaterError
from bot.errors import AUDITED, explain
from handlers import respond
from services.platform import audit, errors
from services.platform.actors import correlation_id

log = structlog.get_logger(__name__)

refusals = Router(name="refusals")
unexpected_errors = Router(name="surprises")
"""Comes last: what no other error handler has taken."""

LEFT_TO_THE_INBOX = (TryLaterError, AlreadyHandledError, UpdateTypeLookupError)
"""Not a person's business: handled later, handled elsewhere, or nothing that we know."""


@refusals.errors(ExceptionTypeFilter(errors.DomainError))
async def handle_refusal(event: ErrorEvent, context: RequestContext) -> None:
    """Say which fact stands in the way; refusals of rights and money are audited."""
    error = event.exception
    if not isinstance(error, errors.DomainError):
        raise error
    metrics.REFUSALS.labels(type(error).__name__).inc()
    log.info("refused", act=context.act, error=type(error).__name__)
    await record(context, error)
    await _tell(event, explain(context.t, error))


async def record(context: RequestContext, error: errors.DomainError) -> None:
    """Write the refusal in a transaction of its own, since the refused one rolled back."""
    if isinstance(error, AUDITED) and context.identified_actor is not None:
        action = error.action if isinstance(error, errors.AccessDenied) else context.act
        async with context.begin() as session:
            await audit.denied(session, actor=context.actor, action=action, error=error)


@unexpected_errors.errors(~ExceptionTypeFilter(*LEFT_TO_THE_INBOX))
async def handle_unexpected_error(event: ErrorEvent, context: RequestContext | None = None) -> None:
    """Apologise with the reference number under which the log has the rest."""
    error = event.exception
    if context is None:
        # It happened before anybody knew who speaks: there is nobody to tell.
        raise error
    context.update_result.failure = type(error).__name__
    metrics.UPDATE_ERRORS.labels(type(error).__name__).inc()
    log.error("Worker error", act=context.act, exc_info=error)
    await _tell(event, context.t("surprise", reference=correlation_id.get() or ""))


async def _tell(event: ErrorEvent, text: str) -> None:
    inner = event.update.event
    if isinstance(inner, CallbackQuery | Message):
        await respond.alert(inner, text)
