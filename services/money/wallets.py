"""Read the balances and the statements of people's wallets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from db.models.campaigns import Campaign, CampaignTarget
from db.models.money import (
    Escrow,
    EscrowStatus,
    LedgerEntry,
    Reason,
    Wallet,
    WalletKind,
    Withdrawal,
    WithdrawalStatus,
)
from db.money import MAX_AMOUNT
from services.platform import errors

BOUND_TO_ROWS = (WalletKind.ESCROW, WalletKind.WITHDRAWAL)
"""The kinds of wallets whose balance must equal the amounts of open escrows or withdrawals."""


@dataclass(frozen=True)
class Balances:
    """The money of one person: available, held in escrows, in open withdrawals, and owed.

    Amounts are in minor units.
    """

    available: int
    held: int
    """The money in escrows for the person's campaigns."""
    currency: str
    leaving: int = 0
    """The money in withdrawals that are not yet paid and not returned."""
    loss: int = 0
    """The loss that the person has caused and not repaid. It forbids withdrawals and purchases."""


@dataclass(frozen=True)
class StatementLine:
    """One ledger entry of a person's wallet. Amounts are in minor units. The time has a zone."""

    at: datetime
    reason: str
    amount: int
    balance_after: int
    reference_id: int
    fee: int = 0
    """The fee of the withdrawal whose money this entry holds. 0 if the money was returned."""


async def of_user(session: AsyncSession, user_id: int) -> Wallet:
    """Return a user's own wallet, read from the database anew. Raises NotFound."""
    wallet: Wallet | None = await session.scalar(
        select(Wallet)
        .where(Wallet.user_id == user_id, Wallet.kind == WalletKind.USER)
        .execution_options(populate_existing=True)
    )
    if wallet is None:
        raise errors.NotFound("wallet", user_id)
    return wallet


async def find_loss(session: AsyncSession, user_id: int) -> Wallet | None:
    """Return the platform's loss wallet of a person, read from the database anew, or None."""
    wallet: Wallet | None = await session.scalar(
        select(Wallet)
        .where(Wallet.counterparty_id == user_id, Wallet.kind == WalletKind.LOSS)
        .execution_options(populate_existing=True)
    )
    return wallet


async def open_loss(session: AsyncSession, user_id: int) -> int:
    """Return how much money a person owes to the platform, in minor units. 0 means no debt."""
    wallet = await find_loss(session, user_id)
    return 0 if wallet is None else max(0, -wallet.balance)


def open_loss_of(user_id: InstrumentedAttribute[int]) -> ColumnElement[int]:
    """Build the SQL expression for how much money a person owes, in minor units.

    The caller's query must select from the table of `user_id`.
    """
    loss = Wallet.__table__.alias("losses")
    balance = (
        select(func.sum(loss.c.balance))
        .where(loss.c.counterparty_id == user_id, loss.c.kind == WalletKind.LOSS)
        .scalar_subquery()
    )
    return func.greatest(0, -func.coalesce(balance, 0))


async def require_no_loss(session: AsyncSession, user_id: int) -> None:
    """Refuse a person who owes money to the platform. Raises OpenLoss."""
    loss = await open_loss(session, user_id)
    if loss:
        raise errors.OpenLoss(user_id, loss, (await of_user(session, user_id)).currency)


def require_amount(amount: int) -> None:
    """Refuse an amount (minor units) below 1 or above `MAX_AMOUNT`. Raises InvalidAmount."""
    if not 1 <= amount <= MAX_AMOUNT:
        raise errors.InvalidAmount(amount)


async def balances(session: AsyncSession, user_id: int) -> Balances:
    """Return a user's available money, the money in escrows and open withdrawals, and the loss.

    Amounts are in minor units. Raises NotFound.
    """
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
    loss = await open_loss(session, user_id)
    return Balances(wallet.balance, int(held or 0), wallet.currency, int(leaving or 0), loss)


async def statement(
    session: AsyncSession, *, user_id: int, limit: int, offset: int
) -> Sequence[StatementLine]:
    """Return a page of the entries of a user's own wallet, the newest first."""
    rows = await session.execute(
        select(
            LedgerEntry.created_at,
            LedgerEntry.reason,
            LedgerEntry.amount,
            LedgerEntry.balance_after,
            LedgerEntry.reference_id,
            func.coalesce(Withdrawal.fee, 0),
        )
        .join(Wallet, Wallet.id == LedgerEntry.wallet_id)
        .outerjoin(
            Withdrawal,
            and_(
                LedgerEntry.reason == Reason.WITHDRAWAL_HOLD,
                Withdrawal.id == LedgerEntry.reference_id,
                Withdrawal.status != WithdrawalStatus.RETURNED,
            ),
        )
        .where(Wallet.user_id == user_id, Wallet.kind == WalletKind.USER)
        .order_by(LedgerEntry.version.desc())
        .limit(limit)
        .offset(offset)
    )
    return [StatementLine(*row) for row in rows]


async def find_other_currency(session: AsyncSession, currency: str) -> str | None:
    """Return a currency other than `currency` that a wallet has, or None."""
    other: str | None = await session.scalar(
        select(Wallet.currency).where(Wallet.currency != currency).limit(1)
    )
    return other
