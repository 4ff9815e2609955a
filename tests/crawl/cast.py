"""Create the people, channels and placements with which a walk begins."""

from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.throttle import Throttle
from db import queries
from db.models.campaigns import CampaignTarget, Channel
from db.models.destinations import PayoutMethod
from db.models.users import Role
from services.market import (
    acceptance_rules,
    campaigns,
    channels,
    managers,
    moderation,
    registration,
    user_blocks,
)
from services.market.creatives import Creative
from services.platform.actors import SYSTEM, Actor
from tests.factories import payments, people
from tests.handlers.marketplace import Marketplace

LANGUAGES = ("en", "ru")
ROLES = (
    *("newcomer", "advertiser", "poor", "owner", "manager", "admin", "super", "blocked"),
    "stranger",
)
_STAFF = {"admin": Role.ADMIN, "super": Role.SUPER_ADMIN}
RIGHTS = dict.fromkeys(
    ("can_post_messages", "can_edit_messages", "can_delete_messages", "can_invite_users"),
    True,
)
_UNLIMITED = 1_000_000
"""A walk is much faster than a person, so its people have no limit of updates."""
NEXT_MONDAY = "SELECT date_trunc('week', clock()) + interval '7 days 10 hours 5 minutes' - clock()"
MONEY = 300_000
_ADS = 3
"""How many placements wait in each channel at the beginning."""
AD = "Fresh bread every morning: https://example.com/bread"


@dataclass(frozen=True)
class Person:
    """One person of the walk."""

    name: str
    """The name in the sandbox, for example `owner_ru`."""
    role: str

    @property
    def is_staff(self) -> bool:
        """Return whether the person is in the admin chat."""
        return self.role in _STAFF


async def prepare(market: Marketplace) -> list[Person]:
    """Add everybody, with channels on offer and placements that wait. Return the people."""
    _configure(market)
    await market.database.forward(await market.value(NEXT_MONDAY))
    cast = [Person(f"{role}_{language}", role) for role in ROLES for language in LANGUAGES]
    for person in cast:
        await _add(market, person)
    group = await market.world.control(
        "groups", owner_id=market.chat("stranger_en"), title="Talk", member_ids=["bot"]
    )
    market.world.ids["talk"] = group["id"]
    await _let_in(market, "talk", "stranger_ru")
    for language in LANGUAGES:
        await _fill(market, language)
    # Nobody knows whether this post was published.
    await market.world.control(
        "faults", method="sendMessage", kind="cut_after", chat_id=market.chat("weekly_owner_ru")
    )
    return cast


def _configure(market: Marketplace) -> None:
    """Take payouts to addresses, and count no limit of updates."""
    dependencies = market.dependencies
    dependencies.settings = dependencies.settings.model_copy(
        update={
            "payout_methods": tuple(PayoutMethod),
            "destination_keys": SecretStr(Fernet.generate_key().decode()),
            "payout_fee_bps": 100,
            "support_contact": "@bread",
        }
    )
    dependencies.throttle = market.worker._throttle = Throttle(_UNLIMITED)


async def _add(market: Marketplace, person: Person) -> None:
    language = person.name.rpartition("_")[2]
    made = await market.world.control(
        "users", first_name=person.role.title(), language_code=language
    )
    market.world.ids[person.name] = made["id"]
    if person.role == "newcomer":
        return
    await market.say(person.name, "/start")
    if person.is_staff:
        await market.employ(person.name, _STAFF[person.role])
        await _let_in(market, "group", person.name)


async def _let_in(market: Marketplace, chat: str, name: str) -> None:
    await market.world.control(
        f"chats/{market.chat(chat)}/members", user_id=market.chat(name), status="member"
    )
    await market.settle()


async def _fill(market: Marketplace, language: str) -> None:
    """Give the people of one language money, channels, a manager and placements."""
    names = {role: f"{role}_{language}" for role in ROLES}
    chats = [await _channel(market, names["owner"], title) for title in ("Daily", "Weekly")]
    for chat_id in chats:
        await market.world.control(
            f"chats/{chat_id}/members",
            user_id=market.chat(names["manager"]),
            status="administrator",
            **RIGHTS,
        )
    await market.settle()
    async with market.database.sessions.begin() as session:
        actors = {role: await _actor(session, market, names[role], language) for role in ROLES[1:]}
        for role in ("advertiser", "blocked"):
            await payments.deposit(
                session,
                user_id=actors[role].user_id or 0,
                amount=MONEY,
                key=f"charge-{people.number()}",
                source="telegram",
            )
        places = [await _offer(session, actors["owner"], chat_id) for chat_id in chats]
        await managers.name(
            session,
            actor=actors["owner"],
            channel_id=places[0].id,
            telegram_id=market.chat(names["manager"]),
        )
        await _buy(session, actors["advertiser"], places)
        admin = Actor(actors["admin"].user_id, frozenset({Role.ADMIN}), in_admin_chat=True)
        await moderation.approve(
            session, actor=admin, target_id=await _newest_placement(session, places[-1])
        )
        await _buy(session, actors["poor"], [])
        await user_blocks.block(
            session, actor=SYSTEM, user_id=actors["blocked"].user_id or 0, role="system"
        )
    await market.deliver()


async def _channel(market: Marketplace, owner: str, title: str) -> int:
    name = f"{title.lower()}_{owner}"
    made = await market.world.control(
        "channels",
        owner_id=market.chat(owner),
        title=title,
        username=f"{title.lower()}_{owner}" if title == "Daily" else None,
    )
    market.world.ids[name] = made["id"]
    await market.world.control(
        f"chats/{made['id']}/members", user_id="bot", status="administrator", **RIGHTS
    )
    chat_id: int = made["id"]
    return chat_id


async def _actor(session: AsyncSession, market: Marketplace, name: str, language: str) -> Actor:
    user = await registration.register(
        session,
        telegram_id=market.chat(name),
        language=language,
        currency=market.dependencies.settings.currency,
    )
    return Actor(user.id)


async def _offer(session: AsyncSession, owner: Actor, chat_id: int) -> Channel:
    connected = await channels.connect(
        session, actor=owner, chat_id=chat_id, title="Daily", username=None, subscribers=1_000
    )
    return await channels.set_terms(
        session,
        actor=owner,
        channel_id=connected.id,
        price=people.PRICE,
        promised_hours=24,
        hours_on_top=1,
        topic="news",
    )


async def _buy(session: AsyncSession, advertiser: Actor, places: list[Channel]) -> None:
    """Create an active campaign, and submit _ADS placements in each channel.

    The last channel accepts its placements by a rule.
    """
    bought = await campaigns.create(
        session,
        actor=advertiser,
        name="Bakery",
        creative=Creative(kind="text", text=AD),
        total_budget=MONEY,
    )
    await campaigns.activate(session, actor=advertiser, campaign_id=bought.id)
    if places:
        rule: Any = acceptance_rules.Rule(0, None)
        owner = Actor(places[-1].owner_id)
        await acceptance_rules.set(session, actor=owner, channel_id=places[-1].id, rule=rule)
    for place in places * _ADS:
        await campaigns.submit_target(
            session,
            actor=advertiser,
            campaign_id=bought.id,
            channel_id=place.id,
            publish_at=None,
            fee_bps=people.FEE_BPS,
        )


async def _newest_placement(session: AsyncSession, place: Channel) -> int:
    """Return the id of the newest placement in a channel."""
    found = await session.scalar(
        select(func.max(CampaignTarget.id)).where(CampaignTarget.channel_id == place.id)
    )
    return queries.required(found)


def roles_of(who: Person) -> frozenset[Role]:
    """Return the staff roles of a person at the beginning of the walk."""
    return frozenset({_STAFF[who.role]} if who.is_staff else ())


def channel_names(market: Marketplace, owner: str) -> list[str]:
    """Return the names of a person's channels in the sandbox."""
    return [name for name in market.world.ids if name.endswith(f"_{owner}")]


async def add_channel(market: Marketplace, owner: str, title: str) -> None:
    """Let a person create another channel, in which the bot is not yet."""
    made = await market.world.control("channels", owner_id=market.chat(owner), title=title)
    market.world.ids[f"channel{made['id']}_{owner}"] = made["id"]
