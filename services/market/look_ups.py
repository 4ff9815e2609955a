"""Find people, campaigns and channels for the staff, by what they know of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Campaign, CampaignTarget, Channel
from db.models.users import Role, User
from services.market import campaigns, owner_records
from services.market.owner_records import OwnerRecord
from services.money import wallets
from services.money.wallets import Balances
from services.platform import errors, users

_MAX_ID_LENGTH = 15
SHOWN = 5
"""How many of the newest campaigns, channels or placements are shown."""
_USERNAME = re.compile(r"(?:@|(?:https?://)?t\.me/)?([A-Za-z][A-Za-z0-9_]{3,31})/?")


@dataclass(frozen=True)
class PlacementLine:
    """One placement in a list."""

    target_id: int
    channel_title: str
    price: int
    """The price in minor units."""
    status: str


@dataclass(frozen=True)
class FoundPerson:
    """The facts about a person in the books."""

    user_id: int
    telegram_id: int
    language: str
    since: datetime
    blocked: bool
    roles: Sequence[Role]
    balances: Balances
    channels: Sequence[Channel]
    campaigns: Sequence[Campaign]


@dataclass(frozen=True)
class FoundCampaign:
    """A campaign with its advertiser, what is left of its budget, and its newest placements."""

    campaign: Campaign
    advertiser_telegram_id: int
    left: int
    """The rest of the budget, in minor units."""
    placements: Sequence[PlacementLine]


@dataclass(frozen=True)
class FoundChannel:
    """A channel with its owner, the owner's record, and its newest placements."""

    channel: Channel
    owner_telegram_id: int
    record: OwnerRecord
    placements: Sequence[PlacementLine]


async def find_person(session: AsyncSession, typed: str) -> FoundPerson:
    """Return the facts of the person with a Telegram id (`123`) or a row's id (`#12`).

    Raises NotFound.
    """
    wanted = number(typed.removeprefix("#"))
    if typed.startswith("#"):
        return await person(session, wanted)
    user = await users.by_telegram_id(session, wanted)
    if user is None:
        raise errors.NotFound("user", wanted)
    return await person(session, user.id)


async def person(session: AsyncSession, user_id: int) -> FoundPerson:
    """Return what the books know about a person. Raises NotFound."""
    user = (await users.get_many(session, [user_id])).get(user_id)
    if user is None:
        raise errors.NotFound("user", user_id)
    owned = await session.scalars(
        select(Channel)
        .where(Channel.owner_id == user_id)
        .order_by(Channel.id.desc())
        .limit(SHOWN)
        .execution_options(populate_existing=True)
    )
    bought = await session.scalars(
        select(Campaign)
        .where(Campaign.advertiser_id == user_id)
        .order_by(Campaign.id.desc())
        .limit(SHOWN)
        .execution_options(populate_existing=True)
    )
    return FoundPerson(
        user.id,
        user.telegram_id,
        user.language,
        user.created_at,
        user.blocked,
        sorted(await users.roles(session, user_id)),
        await wallets.balances(session, user_id),
        owned.all(),
        bought.all(),
    )


async def campaign(session: AsyncSession, campaign_id: int) -> FoundCampaign:
    """Return a campaign for the staff. Raises NotFound."""
    found = await session.execute(
        select(Campaign, User.telegram_id)
        .join(User, User.id == Campaign.advertiser_id)
        .where(Campaign.id == campaign_id)
        .execution_options(populate_existing=True)
    )
    row = found.one_or_none()
    if row is None:
        raise errors.NotFound("campaign", campaign_id)
    return FoundCampaign(
        row.Campaign,
        row.telegram_id,
        await campaigns.budget_left(session, campaign_id),
        await _placements(session, CampaignTarget.campaign_id == campaign_id),
    )


async def find_channel(session: AsyncSession, typed: str) -> FoundChannel:
    """Return the channel with a row's id (`12`, `#12`), a name (`@daily`) or a link to it.

    Raises NotFound.
    """
    bare = typed.removeprefix("#")
    if bare.isascii() and bare.isdecimal():
        return await channel(session, number(bare))
    name = _USERNAME.fullmatch(typed)
    found = None
    if name is not None:
        found = await session.scalar(
            select(Channel.id)
            .where(func.lower(Channel.username) == name[1].lower())
            .order_by(Channel.id.desc())
            .limit(1)
        )
    if found is None:
        raise errors.NotFound("channel", 0)
    return await channel(session, found)


async def channel(session: AsyncSession, channel_id: int) -> FoundChannel:
    """Return a channel for the staff. Raises NotFound."""
    found = await session.execute(
        select(Channel, User.telegram_id)
        .join(User, User.id == Channel.owner_id)
        .where(Channel.id == channel_id)
        .execution_options(populate_existing=True)
    )
    row = found.one_or_none()
    if row is None:
        raise errors.NotFound("channel", channel_id)
    records = await owner_records.of_channels(session, [channel_id])
    return FoundChannel(
        row.Channel,
        row.telegram_id,
        records[channel_id],
        await _placements(session, CampaignTarget.channel_id == channel_id),
    )


async def _placements(
    session: AsyncSession, condition: ColumnElement[bool]
) -> Sequence[PlacementLine]:
    found = await session.execute(
        select(CampaignTarget.id, Channel.title, CampaignTarget.price, CampaignTarget.status)
        .join(Channel, Channel.id == CampaignTarget.channel_id)
        .where(condition)
        .order_by(CampaignTarget.id.desc())
        .limit(SHOWN)
    )
    return [PlacementLine(*row) for row in found]


def number(typed: str) -> int:
    """Return a typed id. Raises NotFound for a text that is no id."""
    if not (typed.isascii() and typed.isdecimal() and len(typed) <= _MAX_ID_LENGTH):
        raise errors.NotFound("number", 0)
    return int(typed)
