"""Read what a person's menu and help show: the balance, what waits, and what the person is."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Select, bindparam, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import (
    Campaign,
    CampaignTarget,
    Channel,
    ChannelStatus,
    TargetStatus,
)
from db.models.money import Wallet, WalletKind
from services.market import agreements, change_requests, managers


@dataclass(frozen=True)
class MenuFacts:
    """The balance and the waiting work of one person."""

    balance: int
    """The money that the person can spend, in minor units."""
    answers: int
    """How many ads wait for the person's answer as an owner or a manager."""
    changes: int
    """How many of the person's own placements wait for a change by the person."""


@dataclass(frozen=True)
class Sides:
    """The sides of the market on which a person acts."""

    buys: bool
    """Whether the person has a campaign."""
    owns: bool
    """Whether the person has connected a channel that is not removed."""
    manages: bool
    """Whether the person is a manager of somebody else's channel."""


async def sides(session: AsyncSession, user_id: int) -> Sides:
    """Return the sides of the market on which a person acts."""
    row = await session.execute(_SIDES, {"user_id": user_id})
    return Sides(*row.one())


_USER_ID = bindparam("user_id", type_=BigInteger)
_SIDES = select(
    exists().where(Campaign.advertiser_id == _USER_ID),
    exists().where(Channel.owner_id == _USER_ID, Channel.status != ChannelStatus.REMOVED),
    managers.manages_any(_USER_ID),
)


def _statement() -> Select[int, int, int]:
    """Build the statement that reads all facts of the person `user_id`."""
    balance = (
        select(Wallet.balance)
        .where(Wallet.user_id == _USER_ID, Wallet.kind == WalletKind.USER)
        .scalar_subquery()
    )
    changes = (
        select(func.count())
        .select_from(CampaignTarget)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .where(
            Campaign.advertiser_id == _USER_ID,
            CampaignTarget.status == TargetStatus.PENDING,
            change_requests.open_id().is_not(None),
        )
        .scalar_subquery()
    )
    return select(func.coalesce(balance, 0), agreements.waiting_count(_USER_ID), changes)


_FACTS = _statement()


async def read(session: AsyncSession, user_id: int) -> MenuFacts:
    """Return the facts of a person's menu. A person without a wallet has the balance 0."""
    row = await session.execute(_FACTS, {"user_id": user_id})
    return MenuFacts(*row.one())
