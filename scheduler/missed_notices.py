"""Render the summary of the notices that a person has missed."""

from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.screens import missed_notices as screens
from bot.screens.outgoing import Outgoing
from bot.texts import Texts
from db.models.operations import OutboxMessage
from services.platform import missed_notices

SHOWN = 20
"""How many notices a summary shows. It only counts the others."""
ABOUT_MONEY = frozenset(
    {
        *("target_paid", "target_refunded", "deposit_credited", "deposit_taken_back"),
        *("withdrawal_changed", "wallet_corrected", "placement_cancelled", "payouts_wait"),
        *("post_breach_refunded", "refund_decided", "destination_changed", "loss_open"),
        *("deposit_returned", "deposit_return_refused"),
    }
)
"""The kinds of notices that a summary shows before all others."""
RenderOne = Callable[[OutboxMessage], Awaitable[Outgoing | None]]

log = structlog.get_logger(__name__)


async def render(
    session: AsyncSession, t: Texts, message: OutboxMessage, render_one: RenderOne
) -> Outgoing:
    """Render a summary. `render_one` renders a missed notice, or returns None for a void one.

    A notice that cannot be rendered is only counted. Raises errors of the database.
    """
    missed = await missed_notices.list_missed(session, message.payload["ids"])
    shown: list[Outgoing] = []
    more = 0
    # Python's sort keeps the order of the times within each part.
    for row in sorted(missed, key=lambda row: row.kind not in ABOUT_MONEY):
        if len(shown) == SHOWN:
            more += 1
            continue
        try:
            notice = await render_one(row)
        except SQLAlchemyError:
            raise
        except Exception as error:  # any error of this row is its own
            log.error(
                "Worker error", tick="outbox", kind=row.kind, outbox_id=row.id, exc_info=error
            )
            more += 1
            continue
        if notice is not None:
            shown.append(notice)
    return screens.summary(t, shown, more=more)
