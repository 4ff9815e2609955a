"""Fill the marketplace through the product's services."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Campaign
from db.models.formats import Ending
from db.models.users import Role, UserRole
from db.session import Sessions
from services.market import (
    calendars,
    campaigns,
    channels,
    moderation,
    newest_messages,
    registration,
)
from services.market.creatives import Creative
from services.platform.actors import Actor
from tests.chaos.ad_texts import with_text
from tests.chaos.answers import Answers
from tests.chaos.manager_answers import Manager
from tests.factories import payments

CURRENCY = "USD"
FEE_BPS = 1_000
PRICE = 100
DEPOSIT_AMOUNT = 100_000_000


@dataclass(frozen=True)
class ConnectedChannel:
    """A connected channel in which a run can buy placements."""

    channel_id: int
    chat_id: int
    owner: Actor
    promised_hours: int
    managers: tuple[Manager, ...] = ()
    """The two people whom the owner names as managers, or nobody."""


@dataclass
class Market:
    """The people, channels and campaigns of one run."""

    sessions: Sessions
    facts: dict[str, Any]
    currency: str = CURRENCY
    advertisers: list[Actor] = field(default_factory=list)
    owners: dict[int, Actor] = field(default_factory=dict)
    moderator: Actor | None = None
    _operator: Actor | None = None
    heads: list[Actor] = field(default_factory=list)
    """Two super admins."""
    answers: Answers = field(default_factory=Answers)
    connected: list[ConnectedChannel] = field(default_factory=list)
    ads: list[tuple[Actor, int]] = field(default_factory=list)
    """The campaigns: pairs of the advertiser and the campaign's id."""

    @property
    def operator(self) -> Actor:
        """The operator who stops and runs the kill switches."""
        assert self._operator is not None
        return self._operator

    async def populate(self, *, advertisers: int, ads: int, files: Sequence[Creative] = ()) -> None:
        """Register all people, and create `ads` campaigns.

        Each second campaign has one of the `files`, which are ads without a text. The last
        `advertisers` people get money.
        """
        people: list[int] = list(self.facts["people"])
        async with self.sessions.begin() as session:
            for telegram_id in people:
                user = await registration.register(
                    session, telegram_id=telegram_id, language="en", currency=self.currency
                )
                self.owners[telegram_id] = Actor(user.id)
            for telegram_id in people[-advertisers:]:
                actor = self.owners[telegram_id]
                assert actor.user_id is not None
                await payments.deposit(
                    session,
                    user_id=actor.user_id,
                    amount=DEPOSIT_AMOUNT,
                    key=f"charge-{telegram_id}",
                    source="telegram",
                )
                self.advertisers.append(actor)
            self.moderator = await self._employ(session, 1, Role.ADMIN)
            self._operator = await self._employ(session, 2, Role.OPERATOR)
            self.heads = [await self._employ(session, each, Role.SUPER_ADMIN) for each in (3, 4)]
        buyers = itertools.cycle(self.advertisers)
        for number in range(ads):
            creative = Creative("text", f"Ad number {number}")
            if files and number % 2:
                creative = with_text(files[number // 2 % len(files)], creative.text)
            buyer = next(buyers)
            async with self.sessions.begin() as session:
                campaign = await self.create_campaign(session, buyer, creative)
            self.ads.append((buyer, campaign.id))

    async def _employ(self, session: AsyncSession, telegram_id: int, role: Role) -> Actor:
        """Register a person with a role of the staff."""
        person = await registration.register(
            session, telegram_id=telegram_id, language="en", currency=self.currency
        )
        session.add(UserRole(user_id=person.id, role=role))
        return Actor(person.id, frozenset({role}), in_admin_chat=True)

    @staticmethod
    async def create_campaign(
        session: AsyncSession, advertiser: Actor, creative: Creative
    ) -> Campaign:
        """Create and activate a campaign whose ad gets a link button, unless it is an album."""
        if not creative.items:
            creative = replace(creative, button_text="Shop", button_url="https://example.com/")
        campaign = await campaigns.create(
            session,
            actor=advertiser,
            name=creative.messages[0].text,
            creative=creative,
            total_budget=DEPOSIT_AMOUNT,
        )
        await campaigns.activate(session, actor=advertiser, campaign_id=campaign.id)
        return campaign

    async def connect(
        self,
        channel_fact: dict[str, int],
        *,
        promised_hours: int,
        ending: Ending = Ending.LEFT,
        managers: tuple[Manager, ...] = (),
    ) -> ConnectedChannel:
        """Connect a channel for its owner, and set its price, its promised hours and their end."""
        owner = self.owners[channel_fact["owner"]]
        async with self.sessions.begin() as session:
            channel = await channels.connect(
                session,
                actor=owner,
                chat_id=channel_fact["chat_id"],
                title=f"Channel {len(self.connected)}",
                username=None,
                subscribers=1_000,
            )
            await channels.set_terms(
                session,
                actor=owner,
                channel_id=channel.id,
                price=PRICE,
                promised_hours=promised_hours,
                topic="news",
                ending=ending,
            )
            # Its ads have times of their own, a second apart: about as fast as Telegram allows.
            await calendars.reset(session, actor=owner, channel_id=channel.id, time_zone=None)
            await calendars.set_gap(session, actor=owner, channel_id=channel.id, gap=timedelta())
        connected = ConnectedChannel(
            channel.id, channel_fact["chat_id"], owner, promised_hours, managers
        )
        self.connected.append(connected)
        return connected

    async def note_message(self, chat_id: int, message_id: int) -> None:
        """Record the id of a message that an owner has posted in a channel."""
        async with self.sessions.begin() as session:
            await newest_messages.record(session, chat_id=chat_id, message_id=message_id)

    async def buy(
        self,
        channel: ConnectedChannel,
        ad: tuple[Actor, int],
        *,
        complaint_window: timedelta = timedelta(),
    ) -> int:
        """Submit placements until the owner accepts one, approve it, and return its id."""
        assert self.moderator is not None
        version = None
        while version is None:
            target_id = await self._submit(channel, ad, complaint_window)
            version = await self.answers.give(
                self.sessions,
                owner=channel.owner,
                advertiser=ad[0],
                moderator=self.moderator,
                target_id=target_id,
                channel_id=channel.channel_id,
                managers=channel.managers,
            )
        async with self.sessions.begin() as session:
            await moderation.approve(
                session, actor=self.moderator, target_id=target_id, version=version
            )
        return target_id

    async def _submit(
        self, channel: ConnectedChannel, ad: tuple[Actor, int], complaint_window: timedelta
    ) -> int:
        advertiser, campaign_id = ad
        async with self.sessions.begin() as session:
            target = await campaigns.submit_target(
                session,
                actor=advertiser,
                campaign_id=campaign_id,
                channel_id=channel.channel_id,
                publish_at=None,
                fee_bps=FEE_BPS,
                complaint_window=complaint_window,
            )
            return target.id

    def unconnected(self) -> Iterator[dict[str, int]]:
        """Return the channels that exist in Telegram but are not connected yet."""
        known: list[dict[str, int]] = list(self.facts["channels"])
        return iter(known[len(self.connected) :])

    async def fill(self, placements: int, *, promised_hours: int, at_once: int = 4) -> None:
        """Connect channels, and buy one placement in each channel."""
        facts = itertools.islice(self.unconnected(), placements)
        ads = itertools.cycle(self.ads)

        async def buy_in_each() -> None:
            for channel_fact in facts:
                channel = await self.connect(channel_fact, promised_hours=promised_hours)
                await self.buy(channel, next(ads))

        await asyncio.gather(*(buy_in_each() for _ in range(at_once)))
