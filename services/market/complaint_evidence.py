"""Collect the evidence about a complaint: what was agreed, what was found, and where money went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Campaign, CampaignTarget, ad_of
from db.models.formats import Ending
from db.models.money import Escrow, LedgerEntry, LedgerTransfer, Wallet, WalletKind
from db.models.posting import PostCheck, PostJob
from db.models.top_watch import PostAbove
from services.market import complaint_details, creatives
from services.market.complaint_details import ComplaintCase
from services.market.creatives import Creative
from services.platform.actors import Actor

MOST_CHECKS = 200
"""The evidence has at most this many checks. The newest are kept."""


@dataclass(frozen=True)
class Check:
    """One check of the post: the verdict, and what Telegram said."""

    at: datetime
    verdict: str
    altered_parts: Sequence[str]
    evidence: str


@dataclass(frozen=True)
class Movement:
    """One leg of a transfer of this placement, without the name of a person."""

    at: datetime
    reason: str
    wallet: str
    """The place of the money: `advertiser`, `owner`, `held` or `platform`."""
    amount: int


@dataclass(frozen=True)
class Evidence:
    """The facts that both sides and the staff may read about a complaint. It names no person."""

    case: ComplaintCase
    creative: Creative | None
    """The ad of the approved version, or None if it cannot be read."""
    version: int
    promised_hours: int
    hours_on_top: int
    ending: Ending
    published_at: datetime | None
    ends_at: datetime | None
    """The end of the promised hours."""
    paid_after: datetime | None
    """Before this time the owner is not paid."""
    checks: Sequence[Check]
    """The last MOST_CHECKS checks, the earliest first."""
    covered_at: datetime | None
    """When a newer post came above the ad within its hours on top, or None."""
    covered_by: int | None
    movements: Sequence[Movement]


async def collect(session: AsyncSession, *, actor: Actor, complaint_id: int) -> Evidence:
    """Collect the evidence for a side of a complaint or for the staff. Raises NotFound."""
    case = await complaint_details.get(session, actor=actor, complaint_id=complaint_id)
    row = (
        await session.execute(
            select(
                CampaignTarget.version,
                CampaignTarget.promised_hours,
                CampaignTarget.hours_on_top,
                CampaignTarget.ending,
                CampaignTarget.complaint_window,
                ad_of().label("ad"),
                PostJob.id.label("job_id"),
                PostJob.sent_at,
                Escrow.release_due_at,
                PostAbove.posted_at,
                PostAbove.message_id,
            )
            .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
            .join(PostJob, PostJob.campaign_target_id == CampaignTarget.id)
            .join(Escrow, Escrow.campaign_target_id == CampaignTarget.id)
            .outerjoin(PostAbove, PostAbove.post_job_id == PostJob.id)
            .where(CampaignTarget.id == case.target_id)
        )
    ).one()
    window: timedelta = row.complaint_window
    return Evidence(
        case=case,
        creative=creatives.read_or_none(row.ad),
        version=row.version,
        promised_hours=row.promised_hours,
        hours_on_top=row.hours_on_top,
        ending=row.ending,
        published_at=row.sent_at,
        ends_at=row.release_due_at,
        paid_after=row.sent_at and row.sent_at + window,
        checks=await _checks(session, row.job_id),
        covered_at=row.posted_at,
        covered_by=row.message_id,
        movements=await _movements(session, case),
    )


async def _checks(session: AsyncSession, job_id: int) -> Sequence[Check]:
    rows = await session.execute(
        select(PostCheck.checked_at, PostCheck.verdict, PostCheck.altered_parts, PostCheck.evidence)
        .where(PostCheck.post_job_id == job_id)
        .order_by(PostCheck.checked_at.desc(), PostCheck.id.desc())
        .limit(MOST_CHECKS)
    )
    return [Check(*row) for row in reversed(rows.all())]


async def _movements(session: AsyncSession, case: ComplaintCase) -> Sequence[Movement]:
    rows = await session.execute(
        select(
            LedgerEntry.created_at,
            LedgerTransfer.reason,
            Wallet.kind,
            Wallet.user_id,
            LedgerEntry.amount,
        )
        .join(LedgerTransfer, LedgerTransfer.id == LedgerEntry.transfer_id)
        .join(Wallet, Wallet.id == LedgerEntry.wallet_id)
        .where(
            LedgerEntry.reference_id == case.target_id,
            LedgerEntry.reason.in_(("escrow_hold", "escrow_release", "payout", "fee", "refund")),
        )
        .order_by(LedgerEntry.id)
    )
    sides = {case.advertiser_id: "advertiser", case.owner_id: "owner"}
    return [
        Movement(
            row.created_at,
            str(row.reason),
            "held" if row.kind is WalletKind.ESCROW else sides.get(row.user_id, "platform"),
            row.amount,
        )
        for row in rows
    ]
