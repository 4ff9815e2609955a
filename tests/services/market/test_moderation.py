"""Test how admins approve and reject placements."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.market import moderation
from services.money import escrow
from services.platform import errors
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import one_post, people, rows


async def test_approve_holds_queues_audits_and_notifies(session: AsyncSession) -> None:
    deal = await people.deal(session)
    before = await rows.snapshot(session)
    result = await people.approve(session, deal)
    assert result == moderation.Decision(deal.target.id, created=True)
    await people.commit(session)
    assert rows.grown(before, await rows.snapshot(session)) == {
        "escrows": 1,
        "ledger_entries": 2,
        "ledger_transfers": 1,
        "outbox": 2,
        "post_jobs": 1,
        "user_audit_logs": 1,
        "wallets": 1,
    }
    assert await rows.table(
        session,
        "SELECT user_id, role, (metadata->>'target_id')::int FROM user_audit_logs"
        " WHERE action = 'moderation_approved'",
    ) == [(deal.moderator.user_id, "admin", deal.target.id)]
    assert await rows.table(
        session,
        "SELECT kind, user_id FROM outbox WHERE kind IN ('target_approved', 'ad_scheduled')"
        " ORDER BY id",
    ) == [
        ("target_approved", deal.advertiser.user_id),
        ("ad_scheduled", deal.owner.user_id),
    ]


@pytest.mark.parametrize("later", ["queued", "success", "refunded", "released"])
async def test_a_repeated_decision_returns_the_first_result(
    session: AsyncSession, later: str
) -> None:
    deal = await {
        "queued": people.approved,
        "success": people.posted,
        "refunded": people.failed,
        "released": people.posted,
    }[later](session, promised_hours=0)
    if later in {"refunded", "released"}:
        end = escrow.refund if later == "refunded" else escrow.release
        await end(session, target_id=deal.target.id)
    second = await people.staff(session)
    before = await rows.snapshot(session)
    result = await moderation.approve(session, actor=second, target_id=deal.target.id)
    assert result == moderation.Decision(deal.target.id, created=False)
    assert await rows.snapshot(session) == before
    with pytest.raises(errors.InvalidMove):
        await moderation.reject(session, actor=second, target_id=deal.target.id, reason="late")


async def test_approve_adopts_a_hold(session: AsyncSession) -> None:
    deal = await people.deal(session)
    held = await escrow.hold(session, target_id=deal.target.id)
    assert (await people.approve(session, deal)).created
    assert await rows.table(session, "SELECT id, status FROM escrows") == [(held.id, "held")]
    assert await rows.available(session, deal.advertiser) == 15_000


async def test_a_publish_time_that_passed_is_not_approved(database: Database) -> None:
    async with database.sessions.begin() as session:
        moment = await rows.one(session, "SELECT clock()")
        deal = await people.deal(session, publish_at=moment + timedelta(minutes=30))
    await database.forward(timedelta(minutes=31))
    refusal = await rows.refused(
        database.sessions,
        lambda session: people.approve(session, deal),
        actor=deal.moderator,
        action="moderation_approve",
    )
    assert isinstance(refusal, errors.PublishTimePast)


async def test_a_scheduled_post_waits_for_its_time(database: Database) -> None:
    async with database.sessions.begin() as session:
        moment = await rows.one(session, "SELECT clock()")
        await people.approved(session, publish_at=moment + timedelta(minutes=30))
    async with database.sessions.begin() as session:
        assert await one_post.claim(session, owner="w", lease=people.LEASE) is None
    await database.forward(timedelta(minutes=31))
    async with database.sessions.begin() as session:
        await people.claimed(session)


async def test_reject_notifies_with_the_reason_and_moves_no_money(session: AsyncSession) -> None:
    deal = await people.deal(session)
    before = await rows.snapshot(session)
    for reason in ("", "  ", "x" * 201):
        with pytest.raises(errors.InvalidText):
            await moderation.reject(
                session, actor=deal.moderator, target_id=deal.target.id, reason=reason
            )
    result = await moderation.reject(
        session, actor=deal.moderator, target_id=deal.target.id, reason=" no bread "
    )
    assert result.created
    assert rows.grown(before, await rows.snapshot(session)) == {"outbox": 1, "user_audit_logs": 1}
    seen = await moderation.get_details(session, target_id=deal.target.id)
    assert (seen.status, seen.decision_reason) == ("rejected", "no bread")
    rejected = await rows.snapshot(session)
    again = await moderation.reject(
        session, actor=deal.moderator, target_id=deal.target.id, reason="other"
    )
    assert not again.created
    with pytest.raises(errors.InvalidMove):
        await people.approve(session, deal)
    assert await rows.snapshot(session) == rejected


async def test_unknown_and_own_placements_cannot_be_rejected(session: AsyncSession) -> None:
    deal = await people.deal(session)
    before = await rows.snapshot(session)
    with pytest.raises(errors.NotFound):
        await moderation.reject(session, actor=deal.moderator, target_id=999_999, reason="no")
    for mine in (deal.advertiser, deal.owner):
        staff = Actor(mine.user_id, deal.moderator.roles, in_admin_chat=True)
        with pytest.raises(errors.OwnMoney):
            await moderation.reject(session, actor=staff, target_id=deal.target.id, reason="no")
    assert await rows.snapshot(session) == before


async def test_the_queue_lists_pending_placements_oldest_first(session: AsyncSession) -> None:
    deals = [await people.deal(session) for _ in range(3)]
    await people.approve(session, deals[1])
    waiting = [card.target_id for card in await moderation.queue(session, limit=9, offset=0)]
    assert waiting == [deals[0].target.id, deals[2].target.id]
    page = await moderation.queue(session, limit=1, offset=1)
    card = page[0]
    assert (card.target_id, card.price, card.advertiser_balance, card.currency) == (
        deals[2].target.id,
        5_000,
        20_000,
        "USD",
    )
    assert card.creative == people.advert()
    with pytest.raises(errors.NotFound):
        await moderation.get_details(session, target_id=999_999)
