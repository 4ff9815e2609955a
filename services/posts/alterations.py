"""Notify the admins of the first alteration of each published post, several in one message.

The advertiser and the owner of a post are notified at once. The admins need not decide anything
about a first alteration, so they get one message for all of an ALTERATION_PERIOD.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import CampaignTarget, Channel
from db.models.operations import OutboxMessage
from db.models.posting import PostJob
from services.platform import outbox

NOTICE = "post_altered"
"""The kind of the messages to the advertiser and the owner."""
ALTERATION_PERIOD = timedelta(minutes=10)
_MARGIN = timedelta(seconds=5)
"""The time that transactions of a period have to commit after its end."""


@dataclass(frozen=True)
class Alteration:
    """The first alteration of a published post, as the notice to the advertiser describes it."""

    target_id: int
    channel_title: str
    chat_id: int
    message_id: int
    parts: Sequence[str]


async def tell_admins(session: AsyncSession, moment: datetime) -> None:
    """Queue the message to the admins about the first alterations in the period of `moment`.

    A period has only one message, so a second call in the same period adds nothing. The
    message is sent after the end of the period. `moment` is a time of `clock()`.
    """
    seconds = ALTERATION_PERIOD.total_seconds()
    since = datetime.fromtimestamp(moment.timestamp() // seconds * seconds, UTC)
    until = since + ALTERATION_PERIOD
    await outbox.add(
        session,
        user_id=None,
        kind="posts_altered",
        payload={"since": since.isoformat(), "until": until.isoformat()},
        key=f"posts_altered:{since.isoformat()}",
        due_in=until - moment + _MARGIN,
    )


async def list_told(
    session: AsyncSession, *, since: datetime, until: datetime
) -> Sequence[Alteration]:
    """Return the first alterations whose notices to advertisers were queued in a period.

    The period is from `since` to before `until`. The oldest notice comes first.
    """
    target_id = OutboxMessage.payload["target_id"].astext.cast(BigInteger)
    rows = await session.execute(
        select(
            CampaignTarget.id,
            Channel.title,
            Channel.chat_id,
            PostJob.message_id,
            OutboxMessage.payload["parts"].label("parts"),
        )
        .join(CampaignTarget, CampaignTarget.id == target_id)
        .join(Channel, Channel.id == CampaignTarget.channel_id)
        .join(PostJob, PostJob.campaign_target_id == CampaignTarget.id)
        .where(
            OutboxMessage.kind == NOTICE,
            OutboxMessage.payload["to"].astext == "advertiser",
            OutboxMessage.created_at >= since,
            OutboxMessage.created_at < until,
        )
        .order_by(OutboxMessage.id)
    )
    return [
        Alteration(row.id, row.title, row.chat_id, queries.required(row.message_id), row.parts)
        for row in rows
    ]
