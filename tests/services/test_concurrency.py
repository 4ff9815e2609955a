"""Test that an operation takes effect one time if many connections run it at the same time."""
# ruff: noqa: N802 - C1 and C2 are named as the checklist names them

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch
from services.market import campaigns, channels, moderation, placement_expiry
from services.money import deposits, escrow, stuck_escrows, withdrawals
from services.platform import errors
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import concurrency, one_post, payments, people, rows
from tests.factories.concurrency import Act


async def test_C1_many_admins_approve_one_target(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
        admins = [await people.staff(session) for _ in range(5)]

    def approve(actor: Actor) -> Act:
        return lambda session: moderation.approve(session, actor=actor, target_id=deal.target.id)

    results = await concurrency.run_concurrently(
        database.sessions, *(approve(admins[n % 5]) for n in range(50))
    )
    assert [type(result) for result in results] == [moderation.Decision] * 50
    assert sum(result.created for result in results) == 1
    async with database.sessions.begin() as session:
        for sql in (
            "SELECT count(*) FROM escrows",
            "SELECT count(*) FROM post_jobs",
            "SELECT count(*) FROM ledger_transfers WHERE reason = 'escrow_hold'",
            "SELECT count(*) FROM user_audit_logs WHERE action = 'moderation_approved'",
            "SELECT count(*) FROM outbox WHERE kind = 'target_approved'",
        ):
            assert await rows.one(session, sql) == 1, sql
        assert await rows.available(session, deal.advertiser) == 15_000


async def test_C2_many_approvals_drain_one_wallet(database: Database) -> None:
    pays_for, wanted, price = 11, 50, 1_000
    async with database.sessions.begin() as session:
        advertiser = await people.person(session, balance=wanted * price)
        admins = [await people.staff(session) for _ in range(3)]
        bought = [await people.campaign(session, advertiser) for _ in range(3)]
        targets = []
        for n in range(wanted):
            owner = await people.person(session)
            place = await people.channel(session, owner, price=price)
            target = await campaigns.submit_target(
                session,
                actor=advertiser,
                campaign_id=bought[n % 3].id,
                channel_id=place.id,
                publish_at=None,
                fee_bps=1_000,
            )
            targets.append(target.id)
        # Most of the money leaves the wallet after the placements were submitted.
        spent = (wanted - pays_for) * price - (price - 1)
        await withdrawals.request(session, actor=advertiser, amount=spent, key="spent elsewhere")

    def approve(n: int) -> Act:
        return lambda session: moderation.approve(
            session, actor=admins[n % 3], target_id=targets[n]
        )

    results = await concurrency.run_concurrently(
        database.sessions, *(approve(n) for n in range(wanted))
    )
    assert sum(isinstance(result, moderation.Decision) for result in results) == pays_for
    assert sum(isinstance(result, errors.InsufficientFunds) for result in results) == (
        wanted - pays_for
    )
    async with database.sessions.begin() as session:
        assert await rows.available(session, advertiser) == price - 1
        assert await rows.one(session, "SELECT count(*) FROM escrows") == pays_for
        assert await rows.one(
            session, "SELECT count(*) FROM campaign_targets WHERE status = 'pending'"
        ) == (wanted - pays_for)


async def test_one_release_of_many_at_once(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.posted(session, promised_hours=0)

    def pay(session: AsyncSession) -> Awaitable[None]:
        return escrow.release(session, target_id=deal.target.id)

    results = await concurrency.run_concurrently(database.sessions, *([pay] * 12))
    assert results.count(None) == 1
    assert sum(isinstance(result, errors.EscrowNotHeld) for result in results) == 11
    async with database.sessions.begin() as session:
        assert await rows.available(session, deal.owner) == 4_500


async def test_releases_for_one_owner_open_one_revenue_wallet(database: Database) -> None:
    async with database.sessions.begin() as session:
        deals = [await people.posted(session, promised_hours=0) for _ in range(3)]
        first = deals[0]
        advertiser = await people.person(session, balance=20_000)
        bought = await people.campaign(session, advertiser)
        targets = [first.target.id]
        for _ in range(3):
            target = await campaigns.submit_target(
                session,
                actor=advertiser,
                campaign_id=bought.id,
                channel_id=first.channel.id,
                publish_at=None,
                fee_bps=1_000,
            )
            await moderation.approve(session, actor=first.moderator, target_id=target.id)
            claim = await people.claimed(session)
            await one_post.record_published(session, claim, message_id=20 + target.id)
            targets.append(target.id)

    def pay(target_id: int) -> Act:
        return lambda session: escrow.release(session, target_id=target_id)

    assert (
        await concurrency.run_concurrently(
            database.sessions, *(pay(target_id) for target_id in targets)
        )
        == [None] * 4
    )
    async with database.sessions.begin() as session:
        assert await rows.table(
            session, "SELECT counterparty_id, balance FROM wallets WHERE kind = 'revenue'"
        ) == [(first.owner.user_id, 2_000)]


async def test_two_workers_claim_one_post_of_a_channel(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.approved(session)
        for _ in range(3):
            target = await campaigns.submit_target(
                session,
                actor=deal.advertiser,
                campaign_id=deal.campaign.id,
                channel_id=deal.channel.id,
                publish_at=None,
                fee_bps=0,
            )
            await moderation.approve(session, actor=deal.moderator, target_id=target.id)

    def take(n: int) -> Act:
        return lambda session: one_post.claim(
            session, owner=f"worker-{n}", lease=timedelta(seconds=30)
        )

    taken = [
        claim
        for claim in await concurrency.run_concurrently(
            database.sessions, *(take(n) for n in range(8))
        )
        if claim
    ]
    assert len(taken) == 1
    async with database.sessions.begin() as session:
        assert (
            await rows.one(session, "SELECT count(*) FROM post_jobs WHERE status = 'sending'") == 1
        )


async def test_two_workers_never_claim_the_same_post(database: Database) -> None:
    async with database.sessions.begin() as session:
        deals = [await people.approved(session) for _ in range(6)]

    async def worker(n: int) -> list[int]:
        mine = []
        for _ in range(12):
            async with database.sessions.begin() as session:
                claim = await one_post.claim(
                    session, owner=f"worker-{n}", lease=timedelta(seconds=30)
                )
                if claim is not None:
                    mine.append(claim.target_id)
        return mine

    taken = [found for mine in await asyncio.gather(*map(worker, range(4))) for found in mine]
    assert sorted(taken) == sorted(deal.target.id for deal in deals)


async def test_a_cancel_and_a_claim_leave_the_post_sent_or_refunded(database: Database) -> None:
    async with database.sessions.begin() as session:
        deals = [await people.approved(session) for _ in range(6)]

    def cancel(deal: people.Deal) -> Act:
        return lambda session: campaigns.cancel(
            session, actor=deal.advertiser, campaign_id=deal.campaign.id
        )

    def take(session: AsyncSession) -> Awaitable[Any]:
        return one_post.claim(session, owner="worker", lease=timedelta(seconds=30))

    await concurrency.run_concurrently(
        database.sessions, *(act for deal in deals for act in (take, cancel(deal)))
    )
    async with database.sessions.begin() as session:
        found = await rows.table(session, "SELECT status, lease_owner FROM post_jobs")
    assert {status for status, _ in found} <= {"sending", "cancelled"}
    assert all((status == "sending") == (owner == "worker") for status, owner in found)


async def test_a_form_saved_twice_at_once_makes_one_row(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session, balance=50_000)

    def create(session: AsyncSession) -> Awaitable[Any]:
        return campaigns.create(
            session,
            actor=deal.advertiser,
            name="Twice",
            creative=people.advert(),
            total_budget=10_000,
            key="form-1",
        )

    def submit(session: AsyncSession) -> Awaitable[Any]:
        return campaigns.submit_target(
            session,
            actor=deal.advertiser,
            campaign_id=deal.campaign.id,
            channel_id=deal.channel.id,
            publish_at=None,
            fee_bps=1_000,
            key="form-2",
        )

    def connect(session: AsyncSession) -> Awaitable[Any]:
        return channels.connect(
            session,
            actor=deal.owner,
            chat_id=-1_009_999,
            title="New",
            username=None,
            subscribers=1,
        )

    for act in (create, submit, connect):
        results = await concurrency.run_concurrently(database.sessions, *([act] * 6))
        assert len({result.id for result in results}) == 1


async def test_two_people_connect_one_channel_at_once(database: Database) -> None:
    async with database.sessions.begin() as session:
        people_ = [await people.person(session) for _ in range(4)]

    def connect(owner: Actor) -> Act:
        return lambda session: channels.connect(
            session, actor=owner, chat_id=-1_008_888, title="New", username=None, subscribers=1
        )

    results = await concurrency.run_concurrently(
        database.sessions, *(connect(owner) for owner in people_)
    )
    assert sum(isinstance(result, errors.ChannelTaken) for result in results) == 3


async def test_ticks_of_two_processes_settle_each_thing_once(database: Database) -> None:
    async with database.sessions.begin() as session:
        deals = [await people.approved(session) for _ in range(6)]
        await people.stop(session, Switch.DEPOSITS)
        for deal in reversed(deals):
            assert deal.advertiser.user_id is not None
            await payments.deposit(
                session,
                user_id=deal.advertiser.user_id,
                amount=100,
                key=f"late-{deal.target.id}",
                source="telegram",
            )
    async with database.sessions.begin() as session:
        await people.run_switches(session)
    await database.forward(timedelta(hours=25))
    ticks: list[Act] = [
        stuck_escrows.refund_stuck_escrows,
        deposits.credit_due,
        placement_expiry.expire_targets,
    ]
    results = await concurrency.run_concurrently(database.sessions, *(ticks * 3))
    assert sum(results[0::3]) == 6
    assert sum(results[1::3]) == 6
    async with database.sessions.begin() as session:
        for deal in deals:
            assert await rows.available(session, deal.advertiser) == 20_100
