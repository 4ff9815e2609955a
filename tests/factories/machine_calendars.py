"""Define the rules of the state machine test about calendars, kept times and changed terms."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.formats import Ending
from services.market import calendars, campaigns, change_requests, formats, placement_versions
from services.market.terms import Terms
from services.platform.actors import Actor
from tests.factories import world
from tests.factories.machine_posts import PICK, YES, Machine
from tests.factories.model_calendars import FREED, HOUR, ZONES
from tests.factories.model_rows import Kept

IN_HOURS = st.integers(1, 40)
"""How many hours ahead a chosen time is."""
NEAR = timedelta(seconds=1)
"""How far a time of the model may be from that of the database, whose clock goes on."""
SECOND = timedelta(seconds=1)
PARTS = st.one_of(
    st.tuples(st.just("zone"), st.sampled_from(list(ZONES))),
    # The first and the last minute of a day. Two of these days end after midnight.
    st.tuples(
        st.just("hours"),
        st.sampled_from([(0, 1440), (540, 1080), (1200, 120), (0, 719), (30, 29)]),
    ),
    st.tuples(st.sampled_from(["open", "closed", "day_on", "day_off"]), st.integers(0, 3)),
    st.tuples(st.just("gap"), st.sampled_from([timedelta(), HOUR / 2, HOUR, 3 * HOUR, 24 * HOUR])),
    st.tuples(st.just("ads_a_day"), st.sampled_from([None, 1, 2])),
)
"""The parts of a calendar that its owner changes, with the new values."""


class CalendarRules(Machine):
    """The rules for a channel with a calendar: its owner, and the buyers of its times."""

    @rule(who=PICK, part=PARTS)
    def change_calendar(self, who: int, part: tuple[str, Any]) -> None:
        """Change a part of the calendar as its owner, or as any person."""
        name, value = part
        channel_id = self.with_calendar
        owner_id = self.model.channels[channel_id].owner
        actor = self.person(who) if who > 90 else self.who(owner_id)
        calendar = self.model.calendars[channel_id]
        today = calendar.local(self.model.moment).date()
        facts: dict[str, Any] = {"actor": actor, "channel_id": channel_id}
        service: Callable[..., Awaitable[Any]]
        changed: dict[str, Any]
        match name:
            case "zone":
                service, values, changed = calendars.set_zone, {"time_zone": value}, {"zone": value}
            case "hours":
                service, values = calendars.set_hours, {"opens_at": value[0], "closes_at": value[1]}
                changed = {"opens": value[0], "closes": value[1]}
            case "gap":
                service, values = calendars.set_gap, {"gap": value}
                changed = {"gap": max(value, SECOND)}
            case "ads_a_day":
                service, values, changed = calendars.set_ads_a_day, {name: value}, {name: value}
            case "open" | "closed":
                is_open, weekday = name == "open", (today + timedelta(days=value)).isoweekday()
                service, values = calendars.set_weekday, {"weekday": weekday, "is_open": is_open}
                days = calendar.weekdays - {weekday} | ({weekday} if is_open else set())
                changed = {"weekdays": days}
            case _:
                day, is_off = today + timedelta(days=value), name == "day_off"
                service, values = calendars.set_day_off, {"day": day, "is_off": is_off}
                values["today"] = today
                kept = {each for each in calendar.days_off if each >= today} - {day}
                changed = {"days_off": frozenset(kept | ({day} if is_off else set()))}
        self.both(
            lambda session: service(session, **facts, **values),
            lambda: self.model.change_calendar(world.user_id(actor), channel_id, **changed),
        )

    @rule(campaign=PICK, hours=st.one_of(st.none(), IN_HOURS), number=st.integers(0, 1))
    def buy_time(self, campaign: int, hours: int | None, number: int) -> None:
        """Buy a chosen time, or the next free one, in one of the channel's formats."""
        self.buy(campaign, None if hours is None else self.chosen(hours), number)

    @rule(hours=IN_HOURS, number=st.integers(0, 1))
    def two_buyers(self, hours: int, number: int) -> None:
        """Let two campaigns buy the same time."""
        for campaign in range(2):
            self.buy(campaign, self.chosen(hours), number)

    @precondition(lambda self: self.freed())
    @rule(campaign=PICK, pick=PICK)
    def sell_freed_time(self, campaign: int, pick: int) -> None:
        """Sell a time again that the end of a placement has freed."""
        found = self.freed()
        self.buy(campaign, found[pick % len(found)], 0)

    @precondition(lambda self: self.model.targets)
    @rule(pick=PICK, hours=IN_HOURS, number=st.integers(0, 1), time=YES)
    def change_terms(self, pick: int, hours: int, number: int, *, time: bool) -> None:
        """Let an owner ask for another time or format, and let the advertiser accept it."""
        target_id = self.target(pick)
        target = self.model.targets[target_id]
        owner = self.who(target.owner)
        buyer = self.who(self.model.campaigns[target.campaign].advertiser)
        at = self.chosen(hours) if time or target.channel != self.with_calendar else None
        sold = None if at else self.model.formats[number]

        async def act(session: AsyncSession) -> None:
            asked: dict[str, Any] = {"publish_at": at}
            if sold is not None:
                offered = await formats.of_channel(session, target.channel)
                asked = {"format_id": offered[number].id}
            facts: dict[str, Any] = {"target_id": target_id, "version": target.version}
            await change_requests.ask_as_owner(session, actor=owner, **facts, **asked)
            request = await change_requests.find_open(session, target_id)
            assert request is not None
            await placement_versions.accept_request(
                session, actor=buyer, request_id=request.id, **facts
            )

        self.both(act, lambda: self.model.change_terms(target_id, at=at, sold=sold))

    def buy(self, campaign: int, at: datetime | None, number: int) -> None:
        """Submit a placement in the channel with a calendar."""
        campaign_id = world.nth(self.model.campaigns, campaign)
        channel_id = self.with_calendar
        actor = self.who(self.model.campaigns[campaign_id].advertiser)
        sold = self.model.formats[number]

        async def act(session: AsyncSession) -> int:
            made = await campaigns.submit_target(
                session,
                actor=actor,
                campaign_id=campaign_id,
                channel_id=channel_id,
                publish_at=at,
                fee_bps=0,
                agreed=Terms(*sold, Ending.LEFT),
            )
            return made.id

        answer = self.both(
            act,
            lambda: self.model.submit(
                world.user_id(actor),
                campaign_id,
                channel_id,
                None if at is None else self.model.hours_of(at) - self.model.now,
                0,
                sold,
            ),
        )
        if answer is not None:
            self.model.targets[answer[0]] = answer[1]

    def chosen(self, hours: int) -> datetime:
        """Return a time ahead. It is far from every time that is whole hours from now."""
        return self.model.moment.replace(minute=40, second=0, microsecond=0) + hours * HOUR

    def freed(self) -> list[datetime]:
        """Return the future times of the channel that are free again."""
        return [
            target.kept.begin
            for target in self.model.targets.values()
            if target.channel == self.with_calendar
            and target.kept is not None
            and target.status in FREED
            and target.kept.begin > self.model.moment + HOUR
        ]

    def who(self, user_id: int) -> Actor:
        """Return the person with a user id."""
        return next(each for each in self.world.people if each.user_id == user_id)

    @property
    def with_calendar(self) -> int:
        """The id of the only channel with a calendar."""
        return next(iter(self.model.calendars))

    def kept_times_agree(self, rows: dict[str, tuple[str, str, bool]]) -> None:
        """Assert that the database keeps the times of the model, and that no two are too close.

        The model then takes over the exact times.
        """
        expected = {key: each for key, each in self.model.targets.items() if each.kept is not None}
        assert set(map(int, rows)) == set(expected)
        for target_id, target in expected.items():
            begin, end, freed = rows[str(target_id)]
            known, exact = target.kept, Kept(*map(datetime.fromisoformat, (begin, end)))
            assert known is not None
            assert abs(exact.begin - known.begin) < NEAR, (target_id, exact, known)
            assert exact.end - exact.begin == known.end - known.begin
            assert freed == (target.status in FREED)
            target.kept = exact
        kept = sorted(self.model.kept(self.with_calendar))
        assert all(first.end <= second.begin for first, second in pairwise(kept))
