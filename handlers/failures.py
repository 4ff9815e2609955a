"""What a person is told when something was refused or went wrong."""

import structlog
from aiogram import Router
from aiogram.filters import ExceptionTypeFilter
from aiogram.types import CallbackQuery, ErrorEvent, Message
from aiogram.types.update import UpdateTypeLookupError

from bot import metrics
from bot.errors import AUDITED, explain
from bot.turn import AlreadyHandledError, TryLaterError, Turn
from handlers import answers
from services import audit, errors
from services.actors import correlation_id

log = structlog.get_logger(__name__)

refusals = Router(name="refusals")
surprises = Router(name="surprises")
"""Comes last: what no other error handler has taken."""

LEFT_TO_THE_INBOX = (TryLaterError, AlreadyHandledError, UpdateTypeLookupError)
"""Not a person's business: handled later, handled elsewhere, or nothing that we know."""


@refusals.errors(ExceptionTypeFilter(errors.DomainError))
async def refused(event: ErrorEvent, turn: Turn) -> None:
    """Say which fact stands in the way; refusals of rights and money are audited."""
    error = event.exception
    if not isinstance(error, errors.DomainError):
        raise error
    metrics.REFUSALS.labels(type(error).__name__).inc()
    log.info("refused", act=turn.act, error=type(error).__name__)
    await record(turn, error)
    await _tell(event, explain(turn.t, error))


async def record(turn: Turn, error: errors.DomainError) -> None:
    """Write the refusal in a transaction of its own, since the refused one rolled back."""
    if isinstance(error, AUDITED) and turn.speaker is not None:
        action = error.action if isinstance(error, errors.AccessDenied) else turn.act
        async with turn.begin() as session:
            await audit.denied(session, actor=turn.actor, action=action, error=error)


@surprises.errors(~ExceptionTypeFilter(*LEFT_TO_THE_INBOX))
async def surprised(event: ErrorEvent, turn: Turn | None = None) -> None:
    """Apologise with the reference number under which the log has the rest."""
    error = event.exception
    if turn is None:
        # It happened before anybody knew who speaks: there is nobody to tell.
        raise error
    turn.delivery.failure = type(error).__name__
    metrics.UPDATE_ERRORS.labels(type(error).__name__).inc()
    log.error("Worker error", act=turn.act, exc_info=error)
    await _tell(event, turn.t("surprise", reference=correlation_id.get() or ""))


async def _tell(event: ErrorEvent, text: str) -> None:
    inner = event.update.event
    if isinstance(inner, CallbackQuery | Message):
        await answers.alert(inner, text)
