"""Extend the model with the calendar of a channel and the times that are kept for placements."""

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from math import inf
from typing import Any

from db.models.campaigns import TargetStatus as Targets
from db.models.posting import PostJobStatus as Jobs
from services.market.placement_versions import MOST
from services.platform import errors
from services.platform.agreement_errors import (
    AlreadyAnswered,
    AnswerTooLate,
    NothingChanged,
    TooManyChanges,
)
from services.platform.calendar_errors import NoFreeTime, NoWeekday, TimeNotFree
from tests.factories.model_cancellations import CancellationModel
from tests.factories.model_rows import ANSWER_HOURS, Kept, Refused, Sold, Target

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AHEAD = timedelta(days=7)
LATE = timedelta(minutes=10)
FREED = {Targets.REJECTED, Targets.WITHDRAWN, Targets.EXPIRED, Targets.REFUNDED}
ZONES = {"UTC": timedelta(), "Asia/Kolkata": timedelta(hours=5, minutes=30)}
"""The distances of some zones from UTC, which never change."""


@dataclass
class Calendar:
    """The hours and days at which a channel publishes ads."""

    zone: str = "UTC"
    opens: int = 0
    closes: int = 24 * 60
    weekdays: frozenset[int] = frozenset(range(1, 8))
    gap: timedelta = HOUR
    ads_a_day: int | None = None
    days_off: frozenset[date] = frozenset()

    @property
    def wraps(self) -> bool:
        """Whether the hours end on the next day."""
        return self.opens > self.closes

    def local(self, at: datetime) -> datetime:
        """Return a time in the zone of the calendar, as a time without a zone."""
        return at.astimezone(UTC).replace(tzinfo=None) + ZONES[self.zone]

    def is_open(self, at: datetime) -> bool:
        """Return whether the channel publishes ads at a time, whatever ads it has then."""
        here = self.local(at)
        minute = here.hour * 60 + here.minute
        after_midnight = self.wraps and minute <= self.closes
        day = here.date() - after_midnight * DAY
        in_hours = after_midnight or (
            minute >= self.opens and (self.wraps or minute <= self.closes)
        )
        return in_hours and day.isoweekday() in self.weekdays and day not in self.days_off


@dataclass
class CalendarModel(CancellationModel):
    """The expected times of one channel that has a calendar. The others keep no times."""

    begun_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """The time of the database's clock at which the model's time is 0."""
    calendars: dict[int, Calendar] = field(default_factory=dict)
    formats: list[Sold] = field(default_factory=list)
    """The formats of the channel with a calendar. The first one is the cheapest."""
    waits_until: dict[int, float] = field(default_factory=dict)
    """Until when the next ad of a channel waits for the gap after the last one, in hours."""

    @property
    def moment(self) -> datetime:
        """The present time of the database's clock."""
        return self.moment_of(self.now)

    def moment_of(self, hours: float) -> datetime:
        """Return the time of the database's clock at a time of the model."""
        return self.begun_at + hours * HOUR

    def hours_of(self, moment: datetime) -> float:
        """Return the time of the model at a time of the database's clock."""
        return (moment - self.begun_at) / HOUR

    # -- free times -------------------------------------------------------------------------------

    def kept(self, channel_id: int, *, but: Target | None = None) -> list[Kept]:
        """Return the times that are kept in a channel, except that of one placement."""
        return [
            target.kept
            for target in self.targets.values()
            if target.channel == channel_id
            and target.kept is not None
            and target.status not in FREED
            and target is not but
        ]

    def is_free(
        self, channel_id: int, at: datetime, hours_on_top: int, *, but: Target | None = None
    ) -> bool:
        """Return whether a channel can keep a time for an ad."""
        calendar = self.calendars[channel_id]
        kept = self.kept(channel_id, but=but)
        today = calendar.local(at).date()
        ads_today = sum(calendar.local(each.begin).date() == today for each in kept)
        is_full = calendar.ads_a_day is not None and ads_today >= calendar.ads_a_day
        until = at + max(calendar.gap, hours_on_top * HOUR)
        is_taken = any(
            each.begin < until and at < max(each.end, each.begin + calendar.gap) for each in kept
        )
        return calendar.is_open(at) and not is_full and not is_taken

    def soonest(self, channel_id: int, hours_on_top: int) -> datetime | None:
        """Return the first free time of a channel within seven days, or None."""
        calendar = self.calendars[channel_id]
        today = datetime.combine(calendar.local(self.moment).date(), time(), UTC)
        midnights = [today - ZONES[calendar.zone] + number * DAY for number in range(-1, 9)]
        openings = [each + timedelta(minutes=calendar.opens) for each in midnights]
        ends = [
            end for each in self.kept(channel_id) for end in (each.end, each.begin + calendar.gap)
        ]
        return min(
            (
                at
                for at in (self.moment, *midnights, *openings, *ends)
                if self.moment <= at <= self.moment + AHEAD
                and self.is_free(channel_id, at, hours_on_top)
            ),
            default=None,
        )

    def _keep(self, target: Target, at: datetime) -> None:
        length = max(self.calendars[target.channel].gap, target.hours_on_top * HOUR)
        target.kept = Kept(at, at + length)

    # -- placements -------------------------------------------------------------------------------

    def submit(
        self,
        actor: int,
        campaign_id: int,
        channel_id: int,
        publish_in: float | None,
        fee_bps: int,
        sold: Sold | None = None,
    ) -> Target:
        """Create a pending placement, and keep its time."""
        target = super().submit(actor, campaign_id, channel_id, publish_in, fee_bps, sold)
        if channel_id in self.calendars:
            if target.publish_at is None:
                if self.soonest(channel_id, target.hours_on_top) is None:
                    raise Refused(NoFreeTime)
            else:
                self._keep_chosen(target, self.moment_of(target.publish_at))
        return target

    def _keep_chosen(self, target: Target, at: datetime) -> None:
        if not self.is_free(target.channel, at, target.hours_on_top, but=target):
            raise Refused(TimeNotFree)
        self._keep(target, at)

    def approve(self, target_id: int, version: int, *, staff: bool, involved: bool) -> bool:
        """Approve a version. A placement without a chosen time gets the next free one."""
        target = self.targets[target_id]
        at = None
        if target.channel in self.calendars and target.publish_at is None and target.job is None:
            at = self.soonest(target.channel, target.hours_on_top)
            if at is None:
                trial = deepcopy(self)
                del trial.calendars[target.channel]
                trial.approve(target_id, version, staff=staff, involved=involved)
                raise Refused(NoFreeTime)
        done = super().approve(target_id, version, staff=staff, involved=involved)
        if at is not None:
            self._keep(target, at)
            target.due_at = max(target.due_at, self.hours_of(at))
        return done

    def change_terms(
        self,
        target_id: int,
        *,
        at: datetime | None,
        sold: Sold | None,
    ) -> None:
        """Let an owner ask for another time or format, and the advertiser accept the request."""
        target = self.targets[target_id]
        self._require_asked(target)
        if (at is None or at == self._chosen(target)) and sold in {None, target.sold}:
            raise Refused(NothingChanged)
        self._require_usable(target)
        if sold is not None:
            more = sold.price - target.price
            if more > 0:
                self.require_money(
                    self.campaigns[target.campaign].advertiser, target.campaign, more
                )
        if target.version == MOST:
            raise Refused(TooManyChanges)
        changed = deepcopy(target)
        if sold is not None:
            changed.price, changed.hours, changed.hours_on_top = sold
        if at is not None:
            changed.publish_at = self.hours_of(at)
        chosen = at or self._chosen(target)
        is_moved = chosen != self._chosen(target) or changed.hours_on_top != target.hours_on_top
        if is_moved and chosen is not None and target.channel in self.calendars:
            if not self.is_free(target.channel, chosen, changed.hours_on_top, but=target):
                raise Refused(TimeNotFree)
            self._keep(changed, chosen)
        changed.version += 1
        changed.changed_at = self.now
        left = inf if changed.publish_at is None else changed.publish_at - self.now
        changed.answer_due_at = self.now + min(ANSWER_HOURS, left)
        changed.accepted = True if self.channels[target.channel].accepts else None
        self.targets[target_id] = changed

    def _chosen(self, target: Target) -> datetime | None:
        return None if target.publish_at is None else self.moment_of(target.publish_at)

    def _require_asked(self, target: Target) -> None:
        """Require that a placement waits for its owner's answer."""
        if target.status is not Targets.PENDING or target.escrow is not None:
            raise Refused(errors.InvalidMove)
        if target.accepted is not None:
            raise Refused(AlreadyAnswered)
        if target.answer_due_at <= self.now:
            raise Refused(AnswerTooLate)

    def planned_hours(self, target: Target) -> float:
        """Return the chosen time of a placement, or else the kept one, in hours."""
        if target.publish_at is None and target.kept is not None:
            return self.hours_of(target.kept.begin)
        return super().planned_hours(target)

    # -- posts ------------------------------------------------------------------------------------

    def next_publication(self, target: Target) -> float | None:
        """Return the next free time of the channel within a step's time, or None."""
        if target.channel not in self.calendars:
            return super().next_publication(target)
        at = self.soonest(target.channel, target.hours_on_top)
        return None if at is None or at > self.moment + DAY else self.hours_of(at)

    def publish_again(self, actor: int, target_id: int) -> None:
        """Queue a removed post again, and keep its next free time."""
        super().publish_again(actor, target_id)
        target = self.targets[target_id]
        if target.channel in self.calendars:
            self._keep(target, self.moment_of(target.due_at))

    def may_claim(self, target: Target) -> bool:
        """Return whether the channel lets a due post be sent now."""
        if target.channel not in self.calendars:
            return True
        waits_until = self.waits_until.get(target.channel, -inf)
        if self.now <= waits_until <= self.now + DAY / HOUR:
            return False
        planned = self._chosen(target) or (target.kept and target.kept.begin)
        if planned is not None and planned > self.moment - LATE:
            return True
        return self.calendars[target.channel].is_open(self.moment)

    def sent(self, target_id: int, claim_no: int) -> bool:
        """Record that a post is published. The next ad of the channel waits for the gap."""
        done = super().sent(target_id, claim_no)
        target = self.targets[target_id]
        if done and target.job is Jobs.SUCCESS and target.channel in self.calendars:
            gap = max(self.calendars[target.channel].gap, target.hours_on_top * HOUR)
            if gap > timedelta(minutes=1):
                self.waits_until[target.channel] = self.now + gap / HOUR - 1 / 60
        return done

    # -- the owner's settings ---------------------------------------------------------------------

    def change_calendar(self, actor: int, channel_id: int, **values: Any) -> None:
        """Let an owner change a part of a calendar. Kept times stay."""
        if self.channels[channel_id].owner != actor:
            raise Refused(errors.NotChannelOwner)
        if values.get("weekdays") == frozenset():
            raise Refused(NoWeekday)
        for name, value in values.items():
            setattr(self.calendars[channel_id], name, value)
