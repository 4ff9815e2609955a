"""Mark testers (people whose acts no report counts), and clean up what they leave.

Their money is real: it stays in the ledger, in its invariants, and in the money that is held.
"""

from collections.abc import Sequence

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignStatus
from db.models.users import StaffRequest, User
from services.market import campaigns
from services.money import wallets, withdrawals
from services.platform import audit, errors
from services.platform.actors import MODERATORS, Actor

_DELETE_DRAFTS = text("SELECT delete_tester_drafts(:request_id, :inbox_id)")
_RUNNING = (CampaignStatus.ACTIVE, CampaignStatus.PAUSED)


async def mark(session: AsyncSession, actor: Actor, request: StaffRequest) -> bool:
    """Mark the subject of a request as a tester. Return False if the person is one already.

    Locks the person. Raises AccessDenied, NotFound.
    """
    return await _mark(session, actor, request, is_tester=True)


async def unmark(session: AsyncSession, actor: Actor, request: StaffRequest) -> bool:
    """Count the acts of a request's subject again. Return False if the person is no tester.

    Locks the person. Raises AccessDenied, NotFound.
    """
    return await _mark(session, actor, request, is_tester=False)


async def _mark(
    session: AsyncSession, actor: Actor, request: StaffRequest, *, is_tester: bool
) -> bool:
    action = "tester_marked" if is_tester else "tester_unmarked"
    role = actor.require_staff(*MODERATORS, action=action)
    person = await _lock(session, queries.required(request.subject_id))
    if person.is_tester == is_tester:
        return False
    person.is_tester = is_tester
    await session.flush()
    await audit.record(
        session,
        actor=actor,
        action=action,
        role=role,
        tester_id=person.id,
        request_id=request.id,
        reason=request.reason,
    )
    return True


async def clean_up(session: AsyncSession, actor: Actor, request: StaffRequest) -> None:
    """Cancel the campaigns of a tester, delete the drafts, and request a withdrawal of the rest.

    The caller ensures that two people have decided this. Published posts stay for their promised
    hours. The scheduler refunds cancelled posts, and admins approve and pay the withdrawal as
    always. Refunds that come later need another clean-up. Locks the placements of each campaign,
    the campaigns, then the locks of a withdrawal. Raises AccessDenied, NotFound, NotTester, and the
    errors of `withdrawals.request`.
    """
    role = actor.require_staff(*MODERATORS, action="tester_clean_up")
    tester_id = queries.required(request.subject_id)
    # The lock of the person comes after those of placements, which a withdrawal needs too.
    if not await session.scalar(select(User.is_tester).where(User.id == tester_id)):
        raise errors.NotTester(tester_id)
    tester = Actor(tester_id)
    running = await session.scalars(
        select(Campaign.id)
        .where(Campaign.advertiser_id == tester_id, Campaign.status.in_(_RUNNING))
        .order_by(Campaign.id)
    )
    cancelled = running.all()
    for campaign_id in cancelled:
        await campaigns.cancel(session, actor=tester, campaign_id=campaign_id)
    values = {"request_id": request.id, "inbox_id": actor.inbox_id}
    deleted = await session.scalar(_DELETE_DRAFTS, values)
    balance = (await wallets.of_user(session, tester_id)).balance
    if balance > 0:
        key = f"clean_up:{request.id}"
        await withdrawals.request(session, actor=tester, amount=balance, key=key)
    await audit.record(
        session,
        actor=actor,
        action="tester_cleaned_up",
        role=role,
        tester_id=tester_id,
        request_id=request.id,
        cancelled=len(cancelled),
        deleted_drafts=deleted,
        requested_amount=max(balance, 0),
        reason=request.reason,
    )


async def _lock(session: AsyncSession, user_id: int) -> User:
    person: User | None = await session.scalar(
        select(User)
        .where(User.id == user_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if person is None:
        raise errors.NotFound("user", user_id)
    return person


async def list_all(session: AsyncSession) -> Sequence[tuple[User, int]]:
    """Return each tester with the number of the tester's campaigns."""
    rows = await session.execute(
        select(User, func.count(Campaign.id))
        .outerjoin(Campaign, Campaign.advertiser_id == User.id)
        .where(User.is_tester)
        .group_by(User.id)
        .order_by(User.id)
    )
    return [(person, count) for person, count in rows]
