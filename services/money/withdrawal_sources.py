"""Find out which credits of a wallet pay a withdrawal: first in, first out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.models.campaigns import Campaign, CampaignTarget
from db.models.intake import Comparison, ReceivedPayment
from db.models.losses import Clawback
from db.models.money import Deposit, DepositStatus, LedgerEntry, Reason
from db.models.users import User
from services.money import received_payments

SHOWN = 5
PAGE = 500


@dataclass(frozen=True)
class Source:
    """A credit, or a part of a credit, that pays a withdrawal. The time has a time zone."""

    reason: Reason
    reference_id: int
    """The id of the placement, deposit, withdrawal or correction that caused the credit."""
    amount: int
    """The part of the credit that pays the withdrawal, in minor units."""
    credited_at: datetime
    advertiser_telegram_id: int | None
    """The Telegram id of the advertiser who paid, or None if the credit is no payout."""
    comparison: Comparison | None
    """Whether Telegram's list contains the deposit's payment. None if the credit is no deposit."""
    taken_back: bool
    provider_charge_id: str | None
    """The payment provider's id of the deposit's payment, or None."""


@dataclass(frozen=True)
class Sources:
    """The sources of a withdrawal. The newest SHOWN sources are described."""

    newest: Sequence[Source]
    others: int
    """The number of sources that are not described."""


@dataclass(frozen=True)
class _Part:
    version: int
    amount: int


async def get(session: AsyncSession, withdrawal_id: int) -> Sources:
    """Return the sources of a withdrawal."""
    hold = (
        await session.execute(
            select(
                LedgerEntry.wallet_id,
                LedgerEntry.version,
                LedgerEntry.balance_after,
                LedgerEntry.amount,
            ).where(
                LedgerEntry.reference_id == withdrawal_id,
                LedgerEntry.reason == Reason.WITHDRAWAL_HOLD,
                LedgerEntry.amount < 0,
            )
        )
    ).one()
    parts = await _parts(session, hold)
    newest = await _describe(session, hold.wallet_id, parts[:SHOWN])
    return Sources(newest, len(parts) - len(newest))


async def _parts(session: AsyncSession, hold: Any) -> list[_Part]:
    """Return the parts of credits that pay a withdrawal, the newest first."""
    parts: list[_Part] = []
    staying, missing, before = hold.balance_after, -hold.amount, hold.version
    while missing:
        page = (await session.execute(_credits(hold.wallet_id, hold.version, before))).all()
        for version, credit in page:
            kept = min(staying, credit)
            used = min(missing, credit - kept)
            staying, missing = staying - kept, missing - used
            if used:
                parts.append(_Part(version, used))
        if len(page) < PAGE:
            break
        before = page[-1].version
    return parts


def _credits(wallet_id: int, held_at: int, before: int) -> Select[int, int]:
    """Build a query for the credits of a wallet, less what clawbacks took."""
    taken = aliased(LedgerEntry)
    recovered = (
        select(func.sum(-taken.amount))
        .select_from(Clawback)
        .join(
            taken,
            and_(
                taken.reference_id == Clawback.id,
                taken.reason == Reason.CLAWBACK,
                taken.wallet_id == wallet_id,
                taken.version < held_at,
            ),
        )
        .where(_is_deposit(), Clawback.deposit_id == LedgerEntry.reference_id)
        .correlate(LedgerEntry)
        .scalar_subquery()
    )
    return (
        select(LedgerEntry.version, LedgerEntry.amount - func.coalesce(recovered, 0))
        .where(
            LedgerEntry.wallet_id == wallet_id,
            LedgerEntry.version < before,
            LedgerEntry.amount > 0,
        )
        .order_by(LedgerEntry.version.desc())
        .limit(PAGE)
    )


async def _describe(session: AsyncSession, wallet_id: int, parts: Sequence[_Part]) -> list[Source]:
    rows = await session.execute(
        select(
            LedgerEntry.version,
            LedgerEntry.reason,
            LedgerEntry.reference_id,
            LedgerEntry.created_at,
            User.telegram_id,
            Deposit.comparison,
            Deposit.status,
            ReceivedPayment.provider_charge_id,
        )
        .outerjoin(
            CampaignTarget,
            and_(
                LedgerEntry.reason == Reason.PAYOUT, CampaignTarget.id == LedgerEntry.reference_id
            ),
        )
        .outerjoin(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .outerjoin(User, User.id == Campaign.advertiser_id)
        .outerjoin(Deposit, and_(_is_deposit(), Deposit.id == LedgerEntry.reference_id))
        .outerjoin(ReceivedPayment, received_payments.is_payment(Deposit.external_reference))
        .where(
            LedgerEntry.wallet_id == wallet_id,
            LedgerEntry.version.in_([part.version for part in parts]),
        )
    )
    described = {row.version: row for row in rows}
    return [
        Source(
            reason=row.reason,
            reference_id=row.reference_id,
            amount=part.amount,
            credited_at=row.created_at,
            advertiser_telegram_id=row.telegram_id,
            comparison=row.comparison,
            taken_back=row.status is DepositStatus.CLAWED_BACK,
            provider_charge_id=row.provider_charge_id,
        )
        for part in parts
        for row in [described[part.version]]
    ]


def _is_deposit() -> ColumnElement[bool]:
    return LedgerEntry.reason == Reason.DEPOSIT
