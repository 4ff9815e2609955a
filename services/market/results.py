"""Read what the ads of an advertiser have brought.

Days are those of UTC. docs/results.md says what is counted.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.audience import AdReactions, ChannelSubscribers
from db.models.campaigns import Campaign, CampaignTarget, Channel, TargetStatus
from db.models.money import Escrow
from db.models.posting import PostCheck, PostJob, Verdict
from db.models.results import ClickDay
from services.market import campaigns, placements
from services.platform import errors
from services.platform.actors import STAFF, Actor

MOST = 500
"""The largest number of placements in the results of one campaign, the newest."""
HOUR = timedelta(hours=1)
_SEEN = (Verdict.PRESENT, Verdict.ALTERED)


@dataclass(frozen=True)
class Day:
    """The requests for the tracked links of a placement on one day."""

    day: date
    clicks: int
    repeats: int
    bots: int


@dataclass(frozen=True)
class Result:
    """The result of one placement. The price is in minor units."""

    target_id: int
    channel_title: str
    price: int
    status: TargetStatus
    promised_hours: int
    published_at: datetime | None
    """When the post was published, or None if it was not."""
    kept_hours: int | None
    """For how many whole hours the post is known to have stood there, or None without a post."""
    subscribers: int | None
    """How many subscribers the channel had when the post was published, if this is known."""
    counted_on: date | None
    """The day on which Telegram said this number."""
    is_tracked: bool
    """Whether clicks are counted."""
    reactions: int | None = None
    """How many reactions the post has, or None if Telegram has never told a number."""
    split_back: int = 0
    """The part of the price that came back by a split after a complaint, in minor units."""
    days: tuple[Day, ...] = ()
    """The days with requests, the earliest first."""

    @property
    def returned(self) -> int:
        """The part of the price that came back, in minor units: all of it after a refund."""
        return self.price if self.status is TargetStatus.REFUNDED else self.split_back

    @property
    def paid(self) -> int:
        """The part of the price that did not come back, in minor units."""
        return self.price - self.returned

    @property
    def clicks(self) -> int:
        """The number of clicks on all days."""
        return sum(day.clicks for day in self.days)


@dataclass(frozen=True)
class Total:
    """The result of several placements together, or of one."""

    results: Sequence[Result]

    @property
    def measured(self) -> Sequence[Result]:
        """The published placements whose clicks are counted."""
        return [each for each in self.results if each.is_tracked and each.published_at]

    @property
    def price(self) -> int:
        """The price of all placements, in minor units. What came back is left out."""
        return sum(each.paid for each in self.results)

    @property
    def clicks(self) -> int:
        """The number of clicks on all days."""
        return sum(each.clicks for each in self.results)

    @property
    def reacted(self) -> Sequence[int]:
        """The numbers of reactions of the posts about which Telegram has told one."""
        return [each.reactions for each in self.results if each.reactions is not None]

    @property
    def median_reactions(self) -> int | None:
        """The median of `reacted`, rounded, or None if there is no number."""
        return round(statistics.median(self.reacted)) if self.reacted else None

    @property
    def left_out(self) -> tuple[int, int]:
        """How many repeated clicks, and how many requests of programs, do not count."""
        days = [day for each in self.results for day in each.days]
        return sum(day.repeats for day in days), sum(day.bots for day in days)

    @property
    def price_per_click(self) -> int | None:
        """The price of a click in minor units, rounded up, or None without a click.

        Placements whose clicks are not counted are left out.
        """
        price = sum(each.paid for each in self.measured)
        return -(-price // self.clicks) if self.clicks else None

    @property
    def clicks_by_day(self) -> list[tuple[date, int]]:
        """The clicks on each day from the first request to the last one, also days without any."""
        counted: dict[date, int] = {}
        for each in self.results:
            for day in each.days:
                counted[day.day] = counted.get(day.day, 0) + day.clicks
        if not counted:
            return []
        first, last = min(counted), max(counted)
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        return [(day, counted.get(day, 0)) for day in days]


async def of_placement(session: AsyncSession, *, actor: Actor, target_id: int) -> Result:
    """Return what a placement has brought, for its advertiser or staff. Raises NotFound."""
    row = await placements.get(session, actor=actor, target_id=target_id)
    if actor.user_id != row.advertiser_id and actor.staff_role(*STAFF) is None:
        raise errors.NotFound("target", target_id)  # it is the advertiser's, not the owner's
    return await of_ended(session, target_id)


async def of_ended(session: AsyncSession, target_id: int) -> Result:
    """Return what a placement has brought, for the message to its advertiser."""
    return (await _read(session, CampaignTarget.id == target_id))[0]


async def of_campaign(
    session: AsyncSession, *, actor: Actor, campaign_id: int
) -> tuple[Campaign, Sequence[Result]]:
    """Return a campaign, and what its last MOST published placements have brought, newest first.

    Raises NotFound, NotCampaignOwner.
    """
    campaign = await campaigns.get(session, actor=actor, campaign_id=campaign_id)
    published = (CampaignTarget.campaign_id == campaign_id) & PostJob.message_id.is_not(None)
    return campaign, await _read(session, published)


async def _read(session: AsyncSession, condition: ColumnElement[bool]) -> list[Result]:
    moment = await queries.now(session)
    rows = (await session.execute(_query().where(condition))).all()
    found = [_result(row, moment) for row in rows]
    days = await session.scalars(
        select(ClickDay)
        .where(ClickDay.campaign_target_id.in_([each.target_id for each in found]))
        .order_by(ClickDay.day)
    )
    by_target: dict[int, list[Day]] = {}
    for day in days:
        by_target.setdefault(day.campaign_target_id, []).append(
            Day(day.day, day.clicks, day.repeats, day.bots)
        )
    return [replace(each, days=tuple(by_target.get(each.target_id, ()))) for each in found]


def _query() -> Select[*tuple[Any, ...]]:
    published_at = Escrow.release_due_at - CampaignTarget.promised_hours * HOUR
    seen_at = (
        select(func.max(PostCheck.checked_at))
        .where(PostCheck.post_job_id == PostJob.id, PostCheck.verdict.in_(_SEEN))
        .correlate(PostJob)
        .scalar_subquery()
    )
    counted_on = (
        select(func.max(ChannelSubscribers.day))
        .where(
            ChannelSubscribers.channel_id == CampaignTarget.channel_id,
            ChannelSubscribers.day <= func.date(func.timezone("UTC", published_at)),
        )
        .correlate(CampaignTarget, Escrow)
        .scalar_subquery()
    )
    return (
        select(
            CampaignTarget,
            Channel.title,
            PostJob.message_id,
            published_at.label("published_at"),
            Escrow.returned,
            seen_at.label("seen_at"),
            ChannelSubscribers.count.label("subscribers"),
            ChannelSubscribers.day.label("counted_on"),
            AdReactions.reactions,
        )
        .join(Channel, Channel.id == CampaignTarget.channel_id)
        .outerjoin(PostJob, PostJob.campaign_target_id == CampaignTarget.id)
        .outerjoin(Escrow, Escrow.campaign_target_id == CampaignTarget.id)
        .outerjoin(
            ChannelSubscribers,
            (ChannelSubscribers.channel_id == CampaignTarget.channel_id)
            & (ChannelSubscribers.day == counted_on),
        )
        .outerjoin(AdReactions, AdReactions.campaign_target_id == CampaignTarget.id)
        .order_by(CampaignTarget.id.desc())
        .limit(MOST)
    )


def _result(row: Any, moment: datetime) -> Result:
    target: CampaignTarget = row.CampaignTarget
    published_at = row.published_at if row.message_id is not None else None
    return Result(
        target_id=target.id,
        channel_title=row.title,
        price=target.price,
        status=target.status,
        promised_hours=target.promised_hours,
        published_at=published_at,
        kept_hours=None if published_at is None else _kept(target, published_at, row, moment),
        subscribers=row.subscribers if published_at is not None else None,
        counted_on=row.counted_on if published_at is not None else None,
        is_tracked=target.link_base is not None,
        reactions=row.reactions,
        split_back=row.returned or 0,
    )


def _kept(target: CampaignTarget, published_at: datetime, row: Any, moment: datetime) -> int:
    """Return for how many whole hours a check has seen the post, or the promise if it was kept."""
    seen = max(min(row.seen_at or published_at, moment) - published_at, timedelta())
    hours = seen // HOUR
    return max(hours, target.promised_hours) if target.status is TargetStatus.POSTED else hours
