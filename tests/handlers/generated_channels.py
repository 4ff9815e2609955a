"""Put 200 generated channels on offer, some of which have sold an ad whose clicks were counted."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.audience import ChannelSubscribers
from db.models.campaigns import CampaignTarget, Channel
from db.models.formats import Ending
from sandbox.telegram import state as sandbox_state
from sandbox.telegram.entities import Chat, Member, User
from scheduler import channel_reading, watchdogs
from services.market import (
    acceptance_rules,
    campaigns,
    channels,
    format_changes,
    link_clicks,
    moderation,
    registration,
    tracked_links,
)
from services.market.creatives import Creative
from services.market.link_clicks import Clicks
from services.market.terms import Terms
from services.platform.actors import Actor
from tests.factories import people
from tests.handlers.marketplace import Marketplace
from tests.handlers.tour_play import Play

MOST_RUNS = 10
CITIES = (
    *("London", "Dublin", "Leeds", "Bristol", "Boston", "Chicago", "Denver", "Austin"),
    *("Toronto", "Sydney", "Perth", "Auckland", "Oslo", "Malta", "Glasgow"),
    *("Berlin", "Hamburg", "Wien", "Madrid", "Sevilla"),
)
"""The first fifteen are written about in English, then three in German, and two in Spanish."""
SUBJECTS = (
    *(("Kitchen", "food"), ("Bakers", "food"), ("Homes", "home"), ("Health", "health")),
    *(("Trips", "travel"), ("News", "news"), ("Sport", "sport"), ("Shops", "shopping")),
    *(("Jobs", "work"), ("Music", "music")),
)
COUNT = len(CITIES) * len(SUBJECTS)
ENGLISH, GERMAN = 15, 18
UNNAMED = 20
"""How many further owners the channels have that belong to nobody of the scene."""
POST_RIGHTS = {"can_post_messages": True, "can_delete_messages": True, "can_edit_messages": True}


@dataclass
class Generated:
    """A generated channel. The price is in minor units."""

    number: int
    title: str
    topic: str
    language: str
    price: int
    subscribers: int
    clicks: int
    """The clicks on its earlier ad. 0 means that it has sold none."""
    owner: Actor = field(default_factory=lambda: Actor(None))
    chat_id: int = 0
    id: int = 0

    @property
    def click_price(self) -> int:
        """The price of a click on its earlier ad in minor units, rounded up."""
        return -(-self.price // self.clicks)


def plan() -> list[Generated]:
    """Return the channels: the same ones each time."""
    found = []
    for number in range(COUNT):
        city, (subject, topic) = number // len(SUBJECTS), SUBJECTS[number % len(SUBJECTS)]
        is_measured = number * 7 % 15 < 7 if topic == "food" else number % 20 == 13
        found.append(
            Generated(
                number,
                f"{CITIES[city]} {subject}",
                topic,
                "en" if city < ENGLISH else "de" if city < GERMAN else "es",
                price=1_200 + number * 37 % 29 * 100,
                subscribers=900 + number * number * 997 % 45_000,
                clicks=16 + number * 31 % 71 if is_measured else 0,
            )
        )
    return found


def cheapest(found: Sequence[Generated], topic: str, language: str) -> list[Generated]:
    """Return the measured channels with a topic and a language, the cheapest click first."""
    fitting = [
        each for each in found if each.clicks and (each.topic, each.language) == (topic, language)
    ]
    return sorted(fitting, key=lambda each: (each.click_price, each.number))


async def offer(market: Marketplace, found: Sequence[Generated], owners: Sequence[int]) -> None:
    """Put the channels on offer. Channel `n` belongs to the person `owners[n]` of the sandbox.

    A number of 0 means one of UNNAMED further owners. Each channel accepts all ads.
    """
    state = market.world.state
    unnamed = [state.add_user(User(state.new_id(), f"Owner of {n}")).id for n in range(UNNAMED)]
    actors: dict[int, Actor] = {}
    async with market.database.sessions.begin() as session:
        for each in found:
            telegram_id = owners[each.number] or unnamed[each.number % UNNAMED]
            if telegram_id not in actors:
                user = await registration.register(
                    session, telegram_id=telegram_id, language="en", currency=people.CURRENCY
                )
                actors[telegram_id] = Actor(user.id)
            each.owner = actors[telegram_id]
            each.chat_id = _add_channel(state, each, telegram_id)
            await _sell(session, each)
    state.commit()


def _add_channel(state: sandbox_state.State, each: Generated, owner_id: int) -> int:
    """Add a channel to the sandbox in which the bot may post, and return its id."""
    chat = Chat(
        sandbox_state.channel_id(state.new_id()),
        "channel",
        title=each.title,
        username=_username(each),
        owner_id=owner_id,
        subscribers=each.subscribers,
    )
    state.add_chat(chat)
    state.set_member(Member(chat.id, owner_id, "creator"))
    state.set_member(Member(chat.id, state.bot_id, "administrator", POST_RIGHTS))
    return chat.id


def _username(each: Generated) -> str:
    return each.title.lower().replace(" ", "_")


async def _sell(session: AsyncSession, each: Generated) -> None:
    connected = await channels.connect(
        session,
        actor=each.owner,
        chat_id=each.chat_id,
        title=each.title,
        username=_username(each),
        subscribers=each.subscribers,
    )
    each.id = connected.id
    await channels.set_terms(
        session,
        actor=each.owner,
        channel_id=each.id,
        price=each.price,
        promised_hours=24,
        hours_on_top=1,
        ending=Ending.REMOVED,
        topic=each.topic,
    )
    if each.number % 3 == 0:
        longer = Terms(each.price * 3 // 2, 48, 2)
        await format_changes.put(session, actor=each.owner, channel_id=each.id, terms=longer)
    await format_changes.set_language(
        session, actor=each.owner, channel_id=each.id, language=each.language
    )
    rule = acceptance_rules.Rule(0, None)
    await acceptance_rules.set(session, actor=each.owner, channel_id=each.id, rule=rule)


async def sell_earlier_ads(market: Marketplace, play: Play, found: Sequence[Generated]) -> None:
    """Sell an ad in each measured channel, publish it, let people click, and pay its owner."""
    measured = [each for each in found if each.clicks]
    async with market.database.sessions.begin() as session:
        moderator = await people.staff(session)
        for target in await _submit(session, measured, market.dependencies.settings.public_url):
            await moderation.approve(session, actor=moderator, target_id=target)
    await _work_until_none(market, play, "SELECT count(*) FROM post_jobs WHERE status <> 'success'")
    async with market.database.sessions.begin() as session:
        day = (await link_clicks.now(session)).date()
        bought = dict(
            (await session.execute(select(CampaignTarget.channel_id, CampaignTarget.id))).all()
        )
        clicks = [
            Clicks(bought[each.id], day, person.to_bytes(16), 1)
            for each in measured
            for person in range(each.clicks)
        ]
        assert await link_clicks.record(session, clicks) == 0
    await market.database.forward(timedelta(hours=24))
    await _work_until_none(market, play, "SELECT count(*) FROM escrows WHERE status = 'held'")
    await play.work()  # one run takes down 20 posts at most
    await _grow(market, measured)
    await watchdogs.count_channel_clicks(market.database.sessions)


async def _work_until_none(market: Marketplace, play: Play, count: str) -> None:
    """Do the due work of the scheduler until a query returns 0. A busy machine needs more runs."""
    for _ in range(MOST_RUNS):
        await play.work()
        if await market.value(count) == 0:
            return
    raise AssertionError(f"after {MOST_RUNS} runs: {count}")


async def _grow(market: Marketplace, measured: Sequence[Generated]) -> None:
    """Write the subscribers of the last month, which grow or shrink each week."""
    async with market.database.sessions.begin() as session:
        today = (await link_clicks.now(session)).date()
        for each in measured:
            change = each.number % 17 - 6
            for weeks in range(1, 6):
                count = each.subscribers * (400 - change * weeks) // 400
                day = today - timedelta(days=7 * weeks - 3)
                session.add(ChannelSubscribers(channel_id=each.id, day=day, count=count))


async def ask_telegram(market: Marketplace, play: Play, found: Sequence[Generated]) -> None:
    """Ask Telegram about the measured channels. The other ones are due tomorrow."""
    measured = [each.id for each in found if each.clicks]
    async with market.database.sessions.begin() as session:
        await session.execute(
            update(Channel)
            .where(Channel.id.not_in(measured))
            .values(facts_due_at=func.clock() + timedelta(days=1))
        )
    limiter = play.scheduler.posting_worker().limiter
    for _ in range(0, len(measured), channel_reading.BATCH):
        await channel_reading.read_due_channels(
            market.database.sessions, market.bot, limiter, lambda: False, asyncio.Event()
        )


async def _submit(session: AsyncSession, measured: Sequence[Generated], base: str) -> list[int]:
    """Let an advertiser buy a placement in each channel, and return their ids."""
    total = sum(each.price for each in measured)
    advertiser = await people.person(session, balance=total)
    campaign = await campaigns.create(
        session,
        actor=advertiser,
        name="Earlier",
        creative=Creative(
            kind="text",
            text="Cooking courses for beginners",
            button_text="Join",
            button_url="https://courses.example/",
        ),
        total_budget=total,
    )
    await campaigns.activate(session, actor=advertiser, campaign_id=campaign.id)
    await tracked_links.count(
        session,
        actor=advertiser,
        campaign_id=campaign.id,
        base=base,
    )
    submitted = []
    for each in measured:
        target = await campaigns.submit_target(
            session,
            actor=advertiser,
            campaign_id=campaign.id,
            channel_id=each.id,
            publish_at=None,
            fee_bps=people.FEE_BPS,
        )
        submitted.append(target.id)
    return submitted
