"""Notify the admins of altered posts, with one message for several posts."""

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
"""The kind of the messages to the advertiser and the owner of an altered post."""
ALTERATION_PERIOD = timedelta(minutes=10)
_MARGIN = timedelta(seconds=5)


@dataclass(frozen=True)
class Alteration:
    """The first alteration of a published post, with the altered parts of the ad."""

    target_id: int
    channel_title: str
    chat_id: int
    message_id: int
    parts: Sequence[str]


async def notify_admins(session: AsyncSession, moment: datetime) -> None:
    """Queue the message to the admins about the posts that were altered in one period.

    The period is ALTERATION_PERIOD long and contains `moment`, a time of the database's clock. Each
    period has one message.
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


async def list_notified(
    session: AsyncSession, *, since: datetime, until: datetime
) -> Sequence[Alteration]:
    """Return the altered posts of one period, oldest notice first.

    The advertisers were notified at `since` or later, and before `until`.
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
