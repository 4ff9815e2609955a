"""Tell which releases wait for a complaint, and which part of a release a decision returns."""

from sqlalchemy import BigInteger, ColumnElement, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import CampaignTarget
from db.models.complaints import Complaint, ComplaintStatus, Outcome
from db.models.money import Escrow


def is_complained() -> ColumnElement[bool]:
    """Build the condition that a complaint about a placement is open.

    The caller's query must select from `campaign_targets`.
    """
    return exists().where(
        Complaint.campaign_target_id == CampaignTarget.id,
        Complaint.status != ComplaintStatus.CLOSED,
    )


def has_split() -> ColumnElement[bool]:
    """Build the condition that a decision returns a part of a placement's price.

    The caller's query must select from `campaign_targets`.
    """
    return exists().where(
        Complaint.campaign_target_id == CampaignTarget.id, Complaint.outcome == Outcome.SPLIT
    )


async def has_open(session: AsyncSession, target_id: int) -> bool:
    """Return whether a complaint about a placement is open."""
    return bool(
        await session.scalar(
            select(CampaignTarget.id).where(CampaignTarget.id == target_id, is_complained())
        )
    )


async def is_split(session: AsyncSession, target_id: int) -> bool:
    """Return whether a decision returns a part of a placement's price to the advertiser."""
    return bool(
        await session.scalar(
            select(CampaignTarget.id).where(CampaignTarget.id == target_id, has_split())
        )
    )


async def share(session: AsyncSession, escrow: Escrow) -> int:
    """Return the part (minor units) of an escrow that its release returns to the advertiser.

    The owner's part is rounded down, so the two parts always sum to the escrow. Without a split,
    the result is 0.
    """
    returned = await session.scalar(
        select(func.complaint_share(escrow.campaign_target_id, escrow.amount, type_=BigInteger))
    )
    return int(returned or 0)
