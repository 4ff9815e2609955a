"""Test that nothing is approved or published without its channel owner's acceptance."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.market import agreements, campaigns, channels, moderation, placement_expiry
from services.money import escrow
from services.platform import errors, outbox
from services.platform.agreement_errors import AlreadyAnswered, AnswerTooLate, NotAgreed
from tests.conftest import Database
from tests.factories import concurrency, people, rows
from tests.factories.concurrency import Act
from tests.factories.people import Deal

HOUR = timedelta(hours=1)
ORDERS = list(permutations(("accept", "decline", "approve", "withdraw")))
MESSAGES = (
    "SELECT kind, user_id FROM outbox"
    " WHERE kind NOT IN ('switch_changed', 'deposit_credited') ORDER BY id"
)


def _acts(made: Deal) -> dict[str, Act]:
    target_id = made.target.id
    return {
        "accept": lambda session: agreements.accept(session, actor=made.owner, target_id=target_id),
        "decline": lambda session: agreements.decline(
            session, actor=made.owner, target_id=target_id, reason="topic"
        ),
        "approve": lambda session: moderation.approve(
            session, actor=made.moderator, target_id=target_id
        ),
        "withdraw": lambda session: campaigns.withdraw_target(
            session, actor=made.advertiser, target_id=target_id
        ),
    }


def _expected(order: Sequence[str]) -> tuple[str, bool]:
    """Return the status of a placement, and whether money is held, after acts in this order."""
    agreed = False
    for act in order:
        if act == "accept":
            agreed = True
        elif act == "approve" and agreed:
            return "approved", True
        elif act == "decline" and not agreed:
            return "rejected", False
        elif act == "withdraw":
            return "withdrawn", False
    return "pending", False


async def test_an_ad_reaches_the_admins_only_after_its_owner_has_accepted(
    session: AsyncSession,
) -> None:
    made = await people.deal(session, asks=True)
    asked = [("ad_offered", made.owner.user_id)]
    assert await rows.table(session, MESSAGES) == asked
    assert await moderation.queue(session, limit=10, offset=0) == []
    before = await rows.snapshot(session)
    with pytest.raises(NotAgreed):
        await people.approve(session, made)
    assert await rows.snapshot(session) == before

    assert await agreements.accept(session, actor=made.owner, target_id=made.target.id)
    accepted = [
        *asked,
        ("placement_accepted", made.advertiser.user_id),
        ("target_submitted", None),
    ]
    assert await rows.table(session, MESSAGES) == accepted
    assert not await agreements.accept(session, actor=made.owner, target_id=made.target.id)
    assert await rows.table(session, MESSAGES) == accepted
    assert [row.target_id for row in await moderation.queue(session, limit=10, offset=0)] == [
        made.target.id
    ]
    assert (await people.approve(session, made)).created


async def test_a_declined_placement_ends_and_costs_nothing(session: AsyncSession) -> None:
    made = await people.deal(session, asks=True)
    target_id = made.target.id
    assert await agreements.decline(
        session, actor=made.owner, target_id=target_id, reason="quality"
    )
    assert not await agreements.decline(
        session, actor=made.owner, target_id=target_id, reason="quality"
    )
    row = await moderation.get_details(session, target_id=target_id)
    assert (row.status, row.decision_reason, row.is_declined) == ("rejected", "quality", True)
    assert await rows.available(session, made.advertiser) == 20_000
    assert (await rows.table(session, MESSAGES))[1:] == [
        ("placement_declined", made.advertiser.user_id)
    ]
    with pytest.raises(AlreadyAnswered):
        await agreements.accept(session, actor=made.owner, target_id=target_id)
    with pytest.raises(errors.InvalidMove):
        await people.approve(session, made)
    await people.commit(session)
    assert await rows.table(
        session,
        "SELECT action, user_id, role FROM user_audit_logs"
        " WHERE action LIKE 'placement%' OR action LIKE 'moderation%'",
    ) == [("placement_declined", made.owner.user_id, "owner")]


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
async def test_acts_in_every_order_leave_one_clear_state(
    session: AsyncSession, order: Sequence[str]
) -> None:
    made = await people.deal(session, asks=True)
    acts = _acts(made)
    for act in order:
        try:
            async with session.begin_nested():
                await acts[act](session)
        except errors.DomainError:
            continue
    row = await moderation.get_details(session, target_id=made.target.id)
    held = await rows.one(session, "SELECT count(*) FROM escrows WHERE status = 'held'")
    assert (row.status, bool(held)) == _expected(order)


@pytest.mark.parametrize(
    "pair", [("accept", "decline"), ("accept", "withdraw"), ("decline", "withdraw")], ids="-".join
)
async def test_two_acts_at_once_have_one_winner(database: Database, pair: Sequence[str]) -> None:
    async with database.sessions.begin() as session:
        made = await people.deal(session, asks=True)
    acts = _acts(made)
    results = await concurrency.run_concurrently(
        database.sessions, *(acts[act] for act in pair for _ in range(3))
    )
    async with database.sessions.begin() as session:
        row = await moderation.get_details(session, target_id=made.target.id)
        answers = await rows.table(session, "SELECT answer FROM placement_answers")
    if pair == ("accept", "decline"):
        assert len(answers) == 1
        assert sum(isinstance(result, AlreadyAnswered) for result in results) == 3
    assert row.status == {"declined": "rejected", "accepted": row.status}.get(
        answers[0][0] if answers else "", "withdrawn"
    )


async def test_an_approval_at_the_time_of_the_answer_is_refused_or_counts(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        made = await people.deal(session, asks=True)
    acts = _acts(made)
    results = await concurrency.run_concurrently(
        database.sessions, *(acts[act] for act in ("approve", "accept") for _ in range(4))
    )
    approvals, answers = results[:4], results[4:]
    assert sorted(answers) == [False, False, False, True]
    refused = [result for result in approvals if isinstance(result, NotAgreed)]
    decisions = [result.created for result in approvals if result not in refused]
    assert sum(decisions) == (len(refused) < 4)


async def _send_question(session: AsyncSession) -> None:
    """Record that Telegram has delivered the questions to the owners."""
    queued = await rows.table(session, "SELECT id FROM outbox WHERE kind = 'ad_offered'")
    await outbox.record_sent(session, {row[0]: 1 for row in queued})


async def test_a_late_owner_cannot_answer_and_both_are_told(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await people.deal(session, asks=True)
        await _send_question(session)
    await database.forward(agreements.ANSWER_TIME - timedelta(seconds=1))
    async with database.sessions.begin() as session:
        assert await placement_expiry.expire_targets(session) == 0
        assert await agreements.count_waiting(session, made.owner.user_id or 0) == 1
    await database.forward(timedelta(seconds=2))
    async with database.sessions.begin() as session:
        assert await agreements.count_waiting(session, made.owner.user_id or 0) == 0
    results = await concurrency.run_concurrently(
        database.sessions, *(_acts(made)[act] for act in ("accept", "decline"))
    )
    assert [type(result) for result in results] == [AnswerTooLate] * 2
    async with database.sessions.begin() as session:
        assert await placement_expiry.expire_targets(session) == 1
        assert (await rows.table(session, MESSAGES))[1:] == [
            ("target_expired", made.advertiser.user_id),
            ("ad_offer_ended", made.owner.user_id),
        ]
        assert await rows.one(
            session, "SELECT payload->'unanswered' FROM outbox WHERE kind = 'target_expired'"
        )


async def test_the_answer_is_due_before_the_planned_publication(database: Database) -> None:
    async with database.sessions.begin() as session:
        soon = await rows.one(session, "SELECT clock()") + HOUR
        made = await people.deal(session, asks=True, publish_at=soon)
        assert made.target.answer_due_at == soon


async def test_an_accepted_placement_has_the_time_of_the_admins(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await people.deal(session, asks=True)
        await agreements.accept(session, actor=made.owner, target_id=made.target.id)
    await database.forward(25 * HOUR)
    async with database.sessions.begin() as session:
        assert await placement_expiry.expire_targets(session) == 0
        assert (await people.approve(session, made)).created


@pytest.mark.parametrize("act", ["accept", "decline"])
async def test_only_the_owner_answers(session: AsyncSession, act: str) -> None:
    made = await people.deal(session, asks=True)
    for actor in (made.advertiser, made.moderator, await people.person(session)):
        stranger = replace(made, owner=actor)
        with pytest.raises(errors.NotFound):
            await _acts(stranger)[act](session)


async def test_an_owner_who_is_blocked_or_has_paused_the_channel_accepts_nothing(
    session: AsyncSession,
) -> None:
    made = await people.deal(session, asks=True)
    other = await people.deal(session, asks=True)
    await people.block(session, made.owner)
    await channels.pause(session, actor=other.owner, channel_id=other.channel.id)
    for deal, refused in ((made, errors.PersonBlocked), (other, errors.ChannelNotUsable)):
        with pytest.raises(refused):
            await agreements.accept(session, actor=deal.owner, target_id=deal.target.id)
    assert await agreements.decline(
        session, actor=other.owner, target_id=other.target.id, reason="other"
    )


async def test_an_owner_does_not_decline_what_money_is_held_for(session: AsyncSession) -> None:
    made = await people.deal(session, asks=True)
    await escrow.hold(session, target_id=made.target.id)
    with pytest.raises(errors.InvalidMove):
        await _acts(made)["decline"](session)
    assert await agreements.accept(session, actor=made.owner, target_id=made.target.id)
    assert (await people.approve(session, made)).created


@pytest.mark.parametrize("how", ["withdraw", "cancel", "reject"])
async def test_the_owner_hears_that_an_accepted_ad_is_not_published(
    session: AsyncSession, how: str
) -> None:
    made = await people.deal(session, asks=True)
    await _send_question(session)
    await agreements.accept(session, actor=made.owner, target_id=made.target.id)
    if how == "withdraw":
        await _acts(made)["withdraw"](session)
    elif how == "cancel":
        await campaigns.cancel(session, actor=made.advertiser, campaign_id=made.campaign.id)
    else:
        await moderation.reject(
            session, actor=made.moderator, target_id=made.target.id, reason="link"
        )
    told = await rows.table(session, "SELECT user_id FROM outbox WHERE kind = 'ad_offer_ended'")
    assert told == [(made.owner.user_id,)]


async def test_an_owner_who_was_never_asked_hears_nothing(session: AsyncSession) -> None:
    for asks in (True, False):
        made = await people.deal(session, asks=asks)
        await _acts(made)["withdraw"](session)
    assert await rows.one(session, "SELECT count(*) FROM outbox WHERE kind = 'ad_offer_ended'") == 0
