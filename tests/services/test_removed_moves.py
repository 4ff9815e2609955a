"""Test that services refuse a change of status that their transition tables do not list."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import TargetStatus
from db.models.money import DepositStatus, WithdrawalStatus
from db.models.posting import PostJobStatus
from services.money import escrow, withdrawals
from services.platform import errors, transitions
from services.posts import manual_resolution, posting
from tests.conftest import Database
from tests.factories import one_post, payments, people, rows

Act = Callable[[AsyncSession, people.Deal], Awaitable[object]]


def _decide(what: str, **more: Any) -> Act:
    async def act(session: AsyncSession, deal: people.Deal) -> object:
        decide = getattr(manual_resolution, what)
        return await decide(
            session, actor=deal.moderator, target_id=deal.target.id, claim_no=1, **more
        )

    return act


async def _release(session: AsyncSession, deal: people.Deal) -> None:
    await escrow.release(session, target_id=deal.target.id)


async def _refund(session: AsyncSession, deal: people.Deal) -> None:
    await escrow.refund(session, target_id=deal.target.id)


async def _claw_back(session: AsyncSession, deal: people.Deal) -> None:
    reference = await rows.one(session, "SELECT external_reference FROM deposits")
    amount = await rows.one(session, "SELECT amount FROM deposits")
    await payments.reverse(
        session,
        external_reference=reference,
        user_id=deal.advertiser.user_id or 0,
        amount=amount,
        source="telegram",
    )


MOVES: dict[str, tuple[Act, str, Any, tuple[Any, Any]]] = {
    "confirm published": (
        _decide("confirm_published", message_ids=(99,)),
        "uncertain",
        transitions.POST_JOB,
        (PostJobStatus.UNCERTAIN, PostJobStatus.SUCCESS),
    ),
    "confirm absent": (
        _decide("confirm_absent"),
        "uncertain",
        transitions.POST_JOB,
        (PostJobStatus.UNCERTAIN, PostJobStatus.QUEUED),
    ),
    "decide refund": (
        _decide("decide_refund"),
        "uncertain",
        transitions.POST_JOB,
        (PostJobStatus.UNCERTAIN, PostJobStatus.FAILED),
    ),
    "released": (
        _release,
        "posted",
        transitions.TARGET,
        (TargetStatus.APPROVED, TargetStatus.POSTED),
    ),
    "refunded": (
        _refund,
        "failed",
        transitions.TARGET,
        (TargetStatus.APPROVED, TargetStatus.REFUNDED),
    ),
    "given back": (
        _claw_back,
        "asked for",
        transitions.WITHDRAWAL,
        (WithdrawalStatus.REQUESTED, WithdrawalStatus.RETURNED),
    ),
    "clawed back": (
        _claw_back,
        "posted",
        transitions.DEPOSIT,
        (DepositStatus.CREDITED, DepositStatus.CLAWED_BACK),
    ),
}


async def _begin(session: AsyncSession, state: str) -> people.Deal:
    if state == "posted":
        return await people.posted(session, promised_hours=0)
    if state == "asked for":
        deal = await people.posted(session)
        await withdrawals.request(session, actor=deal.advertiser, amount=1, key="form")
        return deal
    if state == "failed":
        return await people.failed(session)
    deal = await people.approved(session)
    claim = await people.claimed(session)
    assert await one_post.may_send(session, claim)
    assert await posting.record_uncertain(session, claim, error="TimeoutError")
    return deal


@pytest.mark.parametrize("what", MOVES)
async def test_a_move_that_is_not_in_the_table_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    act, state, table, move = MOVES[what]
    async with database.sessions.begin() as session:
        deal = await _begin(session, state)
    with monkeypatch.context() as patch:
        patch.delitem(table, move)
        async with database.sessions() as session:
            with pytest.raises(errors.InvalidMove):
                await act(session, deal)
    async with database.sessions.begin() as session:
        await act(session, deal)
