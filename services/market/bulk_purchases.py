"""Plan placements in several channels at once: the terms, the time and the money of each.

The plan changes nothing. Each placement of it is submitted by `campaigns.submit_target` alone.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Channel
from services.market import campaigns, channels, formats, kept_times, submission_funds
from services.market.terms import Kind, Terms
from services.money import wallets
from services.platform import errors
from services.platform.actors import Actor
from services.platform.calendar_errors import TimeNotFree
from services.platform.channel_errors import FormatNotSold, OwnChannel

LEAD = timedelta(hours=2)
"""A planned time is at least so far away, so that the owner and an admin can answer."""
SEARCHED_DAYS = 7
"""On how many days, from its own day on, a time is searched for one placement a day."""


class TimeRule(StrEnum):
    """The rule for the times of several placements."""

    SOON = "soon"
    """Each is published as soon as it is approved."""
    EVENING = "evening"
    """All are published in the next evening."""
    DAILY = "daily"
    """One is published each day, in the order in which the channels were chosen."""
    CHOSEN = "chosen"
    """All are published at one time, which the buyer has chosen."""


class _Hours(NamedTuple):
    """The hours of a day within which a time is searched, and the time without a calendar."""

    first: time
    last: time
    usual: time


_EVENING = _Hours(time(18), time(22), time(19))
_DAY = _Hours(time(10), time(21), time(12))


class Line(NamedTuple):
    """One planned placement. A line with a `refusal` is not bought."""

    channel_id: int
    title: str
    terms: Terms | None
    publish_at: datetime | None
    """The time with a time zone, or None for publication as soon as possible."""
    refusal: errors.DomainError | None


@dataclass(frozen=True)
class Plan:
    """The planned placements of one campaign. Amounts are in minor units."""

    lines: Sequence[Line]
    budget_left: int
    available: int
    """The money in the wallet that no other placement waits for."""
    missing: int
    """The amount to pay in, so that no line is refused for want of money in the wallet."""

    @property
    def bought(self) -> Sequence[Line]:
        """The lines without a refusal."""
        return [line for line in self.lines if line.refusal is None]

    @property
    def total(self) -> int:
        """The price of all lines without a refusal."""
        return sum(line.terms.price for line in self.bought if line.terms)


@dataclass
class _Money:
    """The rest of the campaign's budget and of the wallet while the lines are planned."""

    campaign_id: int
    advertiser_id: int
    currency: str
    budget: int
    available: int
    wanted: int = field(default=0)

    def take(self, price: int) -> None:
        """Take a price. Raises BudgetExceeded, InsufficientFunds."""
        if price > self.budget:
            raise errors.BudgetExceeded(self.campaign_id, self.budget, price)
        self.budget -= price
        self.wanted += price
        if price > self.available:
            raise errors.InsufficientFunds(self.advertiser_id, price, self.available, self.currency)
        self.available -= price


async def plan(
    session: AsyncSession,
    *,
    actor: Actor,
    campaign_id: int,
    channel_ids: Sequence[int],
    kind: Kind | None,
    rule: TimeRule,
    zone: tzinfo,
    chosen: datetime | None = None,
) -> Plan:
    """Plan a placement in each of some channels, in their order.

    `kind` is the format, or None for the cheapest one of each channel. `zone` is the time zone of
    evenings and days. `chosen` is the time, with a time zone, for the rule CHOSEN. Raises NotFound,
    NotCampaignOwner.
    """
    advertiser_id = actor.require_user(action="target_submit")
    campaign = await campaigns.get(session, actor=actor, campaign_id=campaign_id)
    if campaign.advertiser_id != advertiser_id:
        raise errors.NotCampaignOwner(campaign_id)
    budget = await campaigns.budget_left(session, campaign_id)
    wallet = await wallets.of_user(session, advertiser_id)
    available = wallet.balance - await submission_funds.reserved(session, advertiser_id)
    money = _Money(campaign_id, advertiser_id, wallet.currency, budget, available)
    clock = _Clock(session, rule, zone, await queries.now(session), chosen)
    lines = []
    for channel_id in channel_ids:
        channel = await channels.get(session, channel_id)
        lines.append(await _line(session, channel, kind, clock, money))
    missing = max(money.wanted - available, 0)
    return Plan(lines, budget, available, missing)


async def _line(
    session: AsyncSession, channel: Channel, kind: Kind | None, clock: "_Clock", money: _Money
) -> Line:
    terms, at = None, None
    try:
        if channel.owner_id == money.advertiser_id:
            raise OwnChannel(channel.id)
        terms = await _terms(session, channel, kind)
        before = clock.day
        at = await clock.time(channel.id, timedelta(hours=terms.hours_on_top))
        try:
            money.take(terms.price)
        except errors.DomainError:
            clock.day = before
            raise
    except errors.DomainError as error:
        return Line(channel.id, channel.title, terms, at, error)
    return Line(channel.id, channel.title, terms, at, None)


async def _terms(session: AsyncSession, channel: Channel, kind: Kind | None) -> Terms:
    """Return the terms of the chosen format. Raises FormatNotSold and those of formats.require."""
    offered = [formats.terms_of(row) for row in await formats.of_channel(session, channel.id)]
    fitting = [terms for terms in offered if kind is None or terms.kind == kind]
    if offered and not fitting:
        raise FormatNotSold(channel.id)
    cheapest = min(fitting, key=lambda terms: terms.price, default=None)
    return await formats.require(session, channel, cheapest)


@dataclass
class _Clock:
    """Finds the times of the lines, one after the other."""

    session: AsyncSession
    rule: TimeRule
    zone: tzinfo
    now: datetime
    chosen: datetime | None
    day: date | None = None
    """The first day on which the next line can be published, for one a day."""

    async def time(self, channel_id: int, on_top: timedelta) -> datetime | None:
        """Return the time of a channel's placement. Raises NoFreeTime, TimeNotFree."""
        if self.rule in {TimeRule.SOON, TimeRule.CHOSEN}:
            at = self.chosen if self.rule is TimeRule.CHOSEN else None
            await kept_times.require(self.session, channel_id, at, on_top=on_top)
            return at
        if self.rule is TimeRule.EVENING:
            at = await self._on_day(channel_id, on_top, self._first_day(_EVENING), _EVENING)
            if at is None:
                raise TimeNotFree(channel_id, "evening", ())
            return at
        first = self.day or self._first_day(_DAY)
        for number in range(SEARCHED_DAYS):
            day = first + timedelta(days=number)
            at = await self._on_day(channel_id, on_top, day, _DAY)
            if at is not None:
                self.day = day + timedelta(days=1)
                return at
        raise TimeNotFree(channel_id, "days", ())

    def _first_day(self, hours: _Hours) -> date:
        """Return today, or tomorrow if the hours of today are over."""
        soonest = self._soonest()
        is_over = soonest > datetime.combine(soonest.date(), hours.last, self.zone)
        return soonest.date() + timedelta(days=int(is_over))

    def _soonest(self) -> datetime:
        """Return the first whole hour that is far enough away."""
        at = (self.now + LEAD).astimezone(self.zone)
        return at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)

    async def _on_day(
        self, channel_id: int, on_top: timedelta, day: date, hours: _Hours
    ) -> datetime | None:
        """Return the first free time of a channel within some hours of a day, or None."""
        first, last, usual = (datetime.combine(day, each, self.zone) for each in hours)
        after = max(first, self._soonest())
        if after > last:
            return None
        if not await kept_times.is_kept(self.session, channel_id):
            return max(usual, after)
        found = await kept_times.free(
            self.session, channel_id, after=after, until=last, wanted=1, on_top=on_top
        )
        return found[0] if found else None


async def kinds(session: AsyncSession, channel_ids: Sequence[int]) -> Mapping[Kind, int]:
    """Return the formats that some channels sell, each with the number of its channels.

    The format of the most channels comes first.
    """
    offered = await formats.of_channels(session, channel_ids)
    found: dict[Kind, int] = defaultdict(int)
    for rows in offered.values():
        for row in rows:
            found[formats.terms_of(row).kind] += 1
    return dict(sorted(found.items(), key=lambda item: -item[1]))
