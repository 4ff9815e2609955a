"""Test that testers are marked by a request, left out of the reports, and cleaned up after."""

import contextlib

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import RequestKind, Role, StaffRequest
from db.session import sqlstate
from services.market import campaigns, staff_requests, testers
from services.money import escrow
from services.platform import daily_report, errors, reports
from services.platform.actors import Actor
from tests.factories import people, presses, rows


async def decide(session: AsyncSession, kind: RequestKind, who: Actor) -> Actor:
    """Request an act about a person, and press "That was me". Return the admin.

    A second admin confirms a clean-up.
    """
    admin = await people.staff(session)
    subject = await rows.one(
        session, "SELECT telegram_id FROM users WHERE id = :id", id=who.user_id
    )
    request = await staff_requests.create(
        session,
        actor=admin,
        kind=kind,
        arguments={},
        reason="smoke test",
        subject_telegram_id=subject,
        from_shell=True,
    )
    pressed = await presses.press(session, admin, f"request:mine:{request.id}")
    await staff_requests.acknowledge(session, actor=pressed, request_id=request.id)
    if kind is RequestKind.CLEAN_UP_TESTER:
        second = await people.staff(session)
        confirming = await presses.press(session, second, f"request:yes_sure:{request.id}")
        await staff_requests.confirm(session, actor=confirming, request_id=request.id)
    await people.commit(session)
    return admin


async def make_testers(session: AsyncSession, side: str) -> None:
    """Create a paid, a refunded and a held placement of testers."""
    paid = await people.posted(session, promised_hours=0)
    await escrow.release(session, target_id=paid.target.id)
    lost = await people.failed(session)
    await escrow.refund(session, target_id=lost.target.id)
    held = await people.approved(session)
    for deal in (paid, lost, held):
        await decide(session, RequestKind.MARK_TESTER, getattr(deal, side))


async def count(session: AsyncSession, name: str, column: str = "status") -> dict[str, int]:
    """Return the numbers of a report by their names."""
    return {row[column]: row["count"] for row in await reports.run(session, name)}


@pytest.mark.parametrize("side", ["advertiser", "owner"])
async def test_no_report_counts_a_testers_placements(session: AsyncSession, side: str) -> None:
    await make_testers(session, side)
    await people.approved(session)
    assert await count(session, "job_statuses") == {"queued": 1}
    assert await count(session, "escrow_statuses") == {"held": 1}
    assert await reports.run(session, "failed_jobs") == []
    assert {row["revenue"] for row in await reports.run(session, "revenue_by_day")} == {0}
    (counted,) = await reports.run(session, "counts")
    assert (counted["target_count"], counted["escrow_count"], counted["postjob_count"]) == (1, 1, 1)
    assert sum(row["approved_targets"] for row in await reports.run(session, "week")) == 1
    assert sum(row["posted_targets"] for row in await reports.run(session, "week")) == 0
    today = await rows.one(session, "SELECT clock()::date")
    numbers = await daily_report._numbers(session, today)
    assert (numbers["escrow_released"], numbers["escrow_refunded"], numbers["revenue"]) == (0, 0, 0)
    for name in ("audit", "audit_recent"):
        acts = await count(session, name, "action")
        assert (acts["moderation_approved"], acts["tester_marked"]) == (1, 3)
        assert "escrow_released" not in acts
    assert len(await reports.run(session, "held")) == 2, "held money counts everybody"
    assert numbers["newly_held"] == 4 * people.PRICE


async def test_no_report_counts_a_testers_own_acts(session: AsyncSession) -> None:
    await make_testers(session, "advertiser")
    await people.approved(session)
    assert await count(session, "campaign_statuses") == {"active": 1}
    (counted,) = await reports.run(session, "counts")
    assert counted["campaign_count"] == 1
    assert sum(row["active_campaigns"] for row in await reports.run(session, "week")) == 1
    acts = await count(session, "audit", "action")
    for act in ("campaign_activated", "target_submitted", "deposit_credited"):
        assert acts[act] == 1, act


async def test_unmarked_people_are_counted_again(session: AsyncSession) -> None:
    lost = await people.failed(session)
    await decide(session, RequestKind.MARK_TESTER, lost.owner)
    assert await reports.run(session, "failed_jobs") == []
    await decide(session, RequestKind.UNMARK_TESTER, lost.owner)
    assert len(await reports.run(session, "failed_jobs")) == 1


async def test_a_mark_has_its_reason_and_its_person(session: AsyncSession) -> None:
    who = await people.person(session)
    admin = await decide(session, RequestKind.MARK_TESTER, who)
    assert [person.id for person, _ in await testers.list_all(session)] == [who.user_id]
    assert await rows.table(
        session,
        "SELECT user_id, role, metadata ->> 'reason', (metadata ->> 'tester_id')::bigint"
        " FROM user_audit_logs WHERE action = 'tester_marked'",
    ) == [(admin.user_id, "admin", "smoke test", who.user_id)]
    await decide(session, RequestKind.MARK_TESTER, who)
    count = "SELECT count(*) FROM user_audit_logs WHERE action = 'tester_marked'"
    assert await rows.one(session, count) == 1
    await decide(session, RequestKind.UNMARK_TESTER, who)
    assert await testers.list_all(session) == []


async def test_a_clean_up_gives_the_money_back_and_deletes_only_drafts(
    session: AsyncSession,
) -> None:
    deal = await people.deal(session, balance=20_000)
    tester = deal.advertiser
    with pytest.raises(errors.NotTester):
        await decide(session, RequestKind.CLEAN_UP_TESTER, tester)
    await decide(session, RequestKind.MARK_TESTER, tester)
    for _ in range(2):
        await campaigns.create(
            session, actor=tester, name="Draft", creative=people.advert(), total_budget=5
        )
    other = await people.campaign(session, await people.person(session))
    await decide(session, RequestKind.CLEAN_UP_TESTER, tester)
    assert await rows.table(session, "SELECT id, status FROM campaigns ORDER BY id") == [
        (deal.campaign.id, "cancelled"),
        (other.id, "active"),
    ]
    assert await rows.table(session, "SELECT status FROM campaign_targets") == [("withdrawn",)]
    assert await rows.table(session, "SELECT user_id, amount, status FROM withdrawals") == [
        (tester.user_id, 20_000, "requested")
    ]
    facts = await rows.one(
        session, "SELECT metadata FROM user_audit_logs WHERE action = 'tester_cleaned_up'"
    )
    assert (facts["cancelled"], facts["deleted_drafts"]) == (1, 2)
    assert (facts["requested_amount"], facts["reason"]) == (20_000, "smoke test")
    await decide(session, RequestKind.CLEAN_UP_TESTER, tester)
    assert await rows.one(session, "SELECT count(*) FROM withdrawals") == 1


async def test_one_admin_alone_cleans_up_after_nobody(session: AsyncSession) -> None:
    deal = await people.deal(session, balance=20_000)
    await decide(session, RequestKind.MARK_TESTER, deal.advertiser)
    admin = await people.staff(session)
    request = await _ask_to_clean_up(session, admin, deal.advertiser)
    pressed = await presses.press(session, admin, f"request:mine:{request.id}")
    await staff_requests.acknowledge(session, actor=pressed, request_id=request.id)
    sure = await presses.press(session, admin, f"request:yes_sure:{request.id}")
    with pytest.raises(errors.SamePerson):
        await staff_requests.confirm(session, actor=sure, request_id=request.id)
    await people.commit(session)
    assert await rows.one(session, "SELECT status FROM campaigns") == "active"
    assert await rows.one(session, "SELECT count(*) FROM withdrawals") == 0


@pytest.mark.parametrize(
    ("is_tester", "pressed_by", "state"),
    [
        (1, "second", None),
        (1, "requester", "AD083"),
        (1, "operator", "AD083"),
        (0, "second", "AD083"),
    ],
)
async def test_the_database_deletes_only_drafts_of_a_tester_by_the_press_for_it(
    session: AsyncSession, is_tester: int, pressed_by: str, state: str | None
) -> None:
    who = await people.person(session)
    admin = await people.staff(session)
    if is_tester:
        await decide(session, RequestKind.MARK_TESTER, who)
    request = await _ask_to_clean_up(session, admin, who)
    mine = await presses.press(session, admin, f"request:mine:{request.id}")
    await staff_requests.acknowledge(session, actor=mine, request_id=request.id)
    found = {
        "second": await people.staff(session),
        "requester": admin,
        "operator": await people.staff(session, Role.OPERATOR),
    }
    await presses.press(session, found[pressed_by], f"request:yes_sure:{request.id}")
    await presses.press(session, await people.staff(session), f"request:yes_sure:{request.id + 1}")
    allowed = contextlib.nullcontext() if state is None else pytest.raises(DBAPIError)
    with allowed as refused:
        async with session.begin_nested():
            await session.execute(
                text("SELECT delete_tester_drafts(:request, NULL)"), {"request": request.id}
            )
    assert state is None or (refused is not None and sqlstate(refused.value) == state)


async def _ask_to_clean_up(session: AsyncSession, admin: Actor, who: Actor) -> StaffRequest:
    """Let an admin type in a shell that a person's things are cleaned up."""
    subject = await rows.one(
        session, "SELECT telegram_id FROM users WHERE id = :id", id=who.user_id
    )
    return await staff_requests.create(
        session,
        actor=admin,
        kind=RequestKind.CLEAN_UP_TESTER,
        arguments={},
        reason="smoke test",
        subject_telegram_id=subject,
        from_shell=True,
    )
