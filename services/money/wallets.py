"""Read the balances and the statements of people's wallets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import BigInteger, ColumnElement, Select, and_, bindparam, func, select
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
"""The kinds of wallets whose balance must equal the open escrows, or withdrawals and returns."""
_USER_ID = bindparam("user_id", type_=BigInteger)
_OF_USER = (
    select(Wallet)
    .where(Wallet.user_id == _USER_ID, Wallet.kind == WalletKind.USER)
    .execution_options(populate_existing=True)
)


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
    wallet: Wallet | None = await session.scalar(_OF_USER, {"user_id": user_id})
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


def open_loss_of(user_id: ColumnElement[int] | InstrumentedAttribute[int]) -> ColumnElement[int]:
    """Build the SQL expression for how much money a person owes, in minor units.

    If `user_id` is a column, the caller's query must select from its table.
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


def _balances() -> Select[int, int, str, int, int]:
    """Build the statement that reads the balances of the person `user_id`."""
    held = (
        select(func.coalesce(func.sum(Escrow.amount), 0))
        .join(CampaignTarget, CampaignTarget.id == Escrow.campaign_target_id)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .where(Campaign.advertiser_id == _USER_ID, Escrow.status == EscrowStatus.HELD)
        .scalar_subquery()
    )
    others = Wallet.__table__.alias("others")
    leaving = (
        select(others.c.balance)
        .where(others.c.user_id == _USER_ID, others.c.kind == WalletKind.WITHDRAWAL)
        .scalar_subquery()
    )
    return select(
        Wallet.balance,
        held.label("held"),
        Wallet.currency,
        func.coalesce(leaving, 0).label("leaving"),
        open_loss_of(_USER_ID).label("loss"),
    ).where(Wallet.user_id == _USER_ID, Wallet.kind == WalletKind.USER)


_BALANCES = _balances()


async def balances(session: AsyncSession, user_id: int) -> Balances:
    """Return a user's available money, the money in escrows and open withdrawals, and the loss.

    Amounts are in minor units. Raises NotFound.
    """
    found = (await session.execute(_BALANCES, {"user_id": user_id})).one_or_none()
    if found is None:
        raise errors.NotFound("wallet", user_id)
    return Balances(
        found.balance, int(found.held), found.currency, int(found.leaving), int(found.loss)
    )


async def statement(
    session: AsyncSession, *, user_id: int, limit: int, offset: int
) -> Sequence[StatementLine]:
    """Return a page of the entries of a user's own wallet, the newest first."""
    rows = await session.execute(_page(limit), {"user_id": user_id, "offset": offset})
    return [StatementLine(*row) for row in rows]


@cache
def _page(limit: int) -> Select[datetime, Reason, int, int, int, int]:
    return (
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
        .where(Wallet.user_id == _USER_ID, Wallet.kind == WalletKind.USER)
        .order_by(LedgerEntry.version.desc())
        .limit(limit)
        .offset(bindparam("offset", type_=BigInteger))
    )


async def find_other_currency(session: AsyncSession, currency: str) -> str | None:
    """Return a currency other than `currency` that a wallet has, or None."""
    other: str | None = await session.scalar(
        select(Wallet.currency).where(Wallet.currency != currency).limit(1)
    )
    return other
