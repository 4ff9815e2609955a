"""Wallets of people: their balances and statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Campaign, CampaignTarget
from db.models.money import Escrow, EscrowStatus, LedgerEntry, Wallet, WalletKind
from services.platform import errors


@dataclass(frozen=True)
class Balances:
    """What a person has. Minor units."""

    available: int
    held: int
    """In escrow for their campaigns."""
    currency: str
    leaving: int = 0
    """Asked for and not paid out yet."""


@dataclass(frozen=True)
class StatementLine:
    """One entry of a person's wallet, as the ledger has it."""

    at: datetime
    reason: str
    amount: int
    balance_after: int
    reference_id: int


async def of_user(session: AsyncSession, user_id: int) -> Wallet:
    """Return a user's own wallet, read now. Raises NotFound."""
    wallet: Wallet | None = await session.scalar(
        select(Wallet)
        .where(Wallet.user_id == user_id, Wallet.kind == WalletKind.USER)
        .execution_options(populate_existing=True)
    )
    if wallet is None:
        raise errors.NotFound("wallet", user_id)
    return wallet


async def balances(session: AsyncSession, user_id: int) -> Balances:
    """Return what a user can spend, what is held for their campaigns, and what is leaving."""
    wallet = await of_user(session, user_id)
    held = await session.scalar(
        select(func.coalesce(func.sum(Escrow.amount), 0))
        .join(CampaignTarget, CampaignTarget.id == Escrow.campaign_target_id)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .where(Campaign.advertiser_id == user_id, Escrow.status == EscrowStatus.HELD)
    )
    leaving = await session.scalar(
        select(Wallet.balance).where(
            Wallet.user_id == user_id, Wallet.kind == WalletKind.WITHDRAWAL
        )
    )
    return Balances(wallet.balance, int(held or 0), wallet.currency, int(leaving or 0))


async def statement(
    session: AsyncSession, *, user_id: int, limit: int, offset: int
) -> Sequence[StatementLine]:
    """Return a page of the user's wallet, newest first."""
    rows = await session.execute(
        select(
            LedgerEntry.created_at,
            LedgerEntry.reason,
            LedgerEntry.amount,
            LedgerEntry.balance_after,
            LedgerEntry.reference_id,
        )
        .join(Wallet, Wallet.id == LedgerEntry.wallet_id)
        .where(Wallet.user_id == user_id, Wallet.kind == WalletKind.USER)
        .order_by(LedgerEntry.version.desc())
        .limit(limit)
        .offset(offset)
    )
    return [StatementLine(*row) for row in rows]


async def foreign_currency(session: AsyncSession, currency: str) -> str | None:
    """Return a currency of existing wallets that is not the given one; start is refused then."""
    other: str | None = await session.scalar(
        select(Wallet.currency).where(Wallet.currency != currency).limit(1)
    )
    return other
