"""Many at once, over connections of their own: what must be one stays one."""
# ruff: noqa: N802 - C1 and C2 are named as the checklist names them

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch
from db.models.posting import Verdict
from services import (
    campaigns,
    channels,
    errors,
    escrow,
    live_checks,
    moderation,
    payments,
    posting,
    system,
)
from services.actors import Actor
from tests.conftest import Database
from tests.factories import people, rows

Act = Callable[[AsyncSession], Awaitable[Any]]


async def _each(database: Database, *acts: Act) -> list[Any]:
    """Do all at once, each in a transaction of its own; return results and domain errors."""

    async def one(act: Act) -> Any:
        try:
            async with database.sessions.begin() as session:
                return await act(session)
        except errors.DomainError as error:
            return error

    return await asyncio.gather(*(one(act) for act in acts))


async def test_C1_many_admins_approve_one_target(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
        admins = [await people.staff(session) for _ in range(5)]

    def approve(actor: Actor) -> Act:
        return lambda session: moderation.approve(session, actor=actor, target_id=deal.target.id)

    results = await _each(database, *(approve(admins[n % 5]) for n in range(50)))
    assert [type(result) for result in results] == [moderation.Approval] * 50
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
        advertiser = await people.person(session, balance=pays_for * price + price - 1)
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

    def approve(n: int) -> Act:
        return lambda session: moderation.approve(
            session, actor=admins[n % 3], target_id=targets[n]
        )

    results = await _each(database, *(approve(n) for n in range(wanted)))
    assert sum(isinstance(result, moderation.Approval) for result in results) == pays_for
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

    results = await _each(database, *([pay] * 12))
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
            await posting.record_sent(session, claim, message_id=20 + target.id)
            targets.append(target.id)

    def pay(target_id: int) -> Act:
        return lambda session: escrow.release(session, target_id=target_id)

    assert await _each(database, *(pay(target_id) for target_id in targets)) == [None] * 4
    async with database.sessions.begin() as session:
        assert await rows.table(
            session, "SELECT counterparty_id, balance FROM wallets WHERE kind = 'revenue'"
        ) == [(first.owner.user_id, 2_000)]


async def test_a_release_and_a_refund_of_one_target(database: Database) -> None:
    async with database.sessions.begin() as session:
        deals = [await people.posted(session) for _ in range(2)]
    await database.forward(timedelta(hours=25))
    jobs: dict[int, int] = {}
    async with database.sessions.begin() as session:
        for deal in deals:
            target_id = deal.target.id
            jobs[target_id] = await rows.one(
                session, "SELECT id FROM post_jobs WHERE campaign_target_id = :id", id=target_id
            )
            for verdict in (Verdict.PRESENT, Verdict.GONE):
                await live_checks.record(
                    session, job_id=jobs[target_id], verdict=verdict, evidence="x"
                )
    await database.forward(timedelta(hours=1))
    acts: list[Act] = []
    for target_id, job_id in jobs.items():
        acts += [
            *([partial(escrow.release, target_id=target_id)] * 10),
            *([partial(escrow.refund, target_id=target_id)] * 10),
            *[partial(live_checks.record, job_id=job_id, verdict=Verdict.GONE, evidence="x")] * 6,
        ]
    random.Random(1).shuffle(acts)  # noqa: S311 - an order, not a secret
    assert len(acts) >= 50
    results = await _each(database, *acts)
    refusals = [result for result in results if result is not None]
    assert {type(one) for one in refusals} <= {
        errors.EscrowNotHeld,
        errors.PostNotProven,
        errors.PostNotFailed,
    }
    async with database.sessions.begin() as session:
        for deal in deals:
            settled = await rows.table(
                session,
                "SELECT e.status, j.status, (SELECT array_agg(reason) FROM ledger_transfers"
                " WHERE reference_id = e.campaign_target_id AND reason IN ('payout', 'refund'))"
                " FROM escrows e JOIN post_jobs j USING (campaign_target_id)"
                " WHERE e.campaign_target_id = :id",
                id=deal.target.id,
            )
            assert settled in (
                [("released", "success", ["payout"])],
                [("refunded", "failed", ["refund"])],
                [("held", "failed", None)],  # every refund came before the last look
            )


async def _ready(session: AsyncSession, key: Switch, number: int) -> Act:
    """Bring something to where one transfer that the switch guards can follow."""
    if key is Switch.NEW_ESCROWS:
        made = await people.deal(session)
        return partial(payments.hold_escrow, target_id=made.target.id)
    if key is Switch.REFUNDS:
        made = await people.failed(session)
        return partial(escrow.refund, target_id=made.target.id)
    if key is Switch.PAYOUTS:
        made = await people.posted(session, promised_hours=0)
        return partial(escrow.release, target_id=made.target.id)
    payer = await people.person(session)
    assert payer.user_id is not None
    return partial(
        payments.deposit, user_id=payer.user_id, amount=5, key=f"late-{number}", source="telegram"
    )


MOVED = {
    Switch.NEW_ESCROWS: "escrow_hold",
    Switch.REFUNDS: "refund",
    Switch.PAYOUTS: "payout",
    Switch.DEPOSITS: "deposit",
}


@pytest.mark.parametrize("key", list(MOVED))
async def test_nothing_commits_after_stopped_was_answered(database: Database, key: Switch) -> None:
    count = 50
    async with database.sessions.begin() as session:
        acts = [await _ready(session, key, number) for number in range(count)]
    counting = f"SELECT count(*) FROM ledger_transfers WHERE reason = '{MOVED[key]}'"  # noqa: S608
    async with database.sessions.begin() as session:
        before = await rows.one(session, counting)

    # Fewer than there are connections: the one who stops must not queue behind the last of them.
    turns, done = asyncio.Semaphore(16), asyncio.Semaphore(0)

    async def work(act: Act) -> Any:
        async def slowly(session: AsyncSession) -> None:
            await asyncio.sleep(random.uniform(0, 0.05))  # noqa: S311
            await act(session)
            await asyncio.sleep(random.uniform(0, 0.05))  # noqa: S311 - a slow commit

        async with turns:
            (result,) = await _each(database, slowly)
        done.release()
        return result

    async def stop() -> int:
        for _ in range(8):
            await done.acquire()
        async with database.sessions.begin() as session:
            await people.stop(session, key)
        async with database.sessions.begin() as session:
            return int(await rows.one(session, counting))

    *results, at_the_answer = await asyncio.gather(*(work(act) for act in acts), stop())
    async with database.sessions.begin() as session:
        assert await rows.one(session, counting) == at_the_answer
    stopped = sum(isinstance(result, errors.SwitchStopped) for result in results)
    # A payment that arrived is a fact: recorded, and credited when the switch runs again.
    assert results.count(None) == (count if key is Switch.DEPOSITS else at_the_answer - before)
    assert results.count(None) + stopped == count
    assert 0 < at_the_answer - before < count


async def test_stop_waits_for_a_transaction_under_way(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
        late = await people.deal(session)
    held, answered = asyncio.Event(), asyncio.Event()

    async def hold() -> bool:
        async with database.sessions.begin() as session:
            await payments.hold_escrow(session, target_id=deal.target.id)
            held.set()
            await asyncio.sleep(0.3)
            return answered.is_set()

    async def stop() -> None:
        await held.wait()
        async with database.sessions.begin() as session:
            await people.stop(session, Switch.NEW_ESCROWS)
        answered.set()

    stopped_first, _ = await asyncio.gather(hold(), stop())
    assert not stopped_first
    with pytest.raises(errors.SwitchStopped):
        async with database.sessions.begin() as session:
            await payments.hold_escrow(session, target_id=late.target.id)


async def test_two_claimers_take_one_post_of_a_channel(database: Database) -> None:
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
        return lambda session: posting.claim(
            session, owner=f"worker-{n}", lease=timedelta(seconds=30)
        )

    taken = [claim for claim in await _each(database, *(take(n) for n in range(8))) if claim]
    assert len(taken) == 1
    async with database.sessions.begin() as session:
        assert (
            await rows.one(session, "SELECT count(*) FROM post_jobs WHERE status = 'sending'") == 1
        )


async def test_claimers_of_several_channels_never_share_a_post(database: Database) -> None:
    async with database.sessions.begin() as session:
        deals = [await people.approved(session) for _ in range(6)]

    async def worker(n: int) -> list[int]:
        mine = []
        for _ in range(12):
            async with database.sessions.begin() as session:
                claim = await posting.claim(
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
        return posting.claim(session, owner="worker", lease=timedelta(seconds=30))

    await _each(database, *(act for deal in deals for act in (take, cancel(deal))))
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
        results = await _each(database, *([act] * 6))
        assert len({result.id for result in results}) == 1


async def test_two_people_connect_one_channel_at_once(database: Database) -> None:
    async with database.sessions.begin() as session:
        people_ = [await people.person(session) for _ in range(4)]

    def connect(owner: Actor) -> Act:
        return lambda session: channels.connect(
            session, actor=owner, chat_id=-1_008_888, title="New", username=None, subscribers=1
        )

    results = await _each(database, *(connect(owner) for owner in people_))
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
        system.refund_stuck_escrows,
        payments.credit_due,
        system.expire_targets,
    ]
    results = await _each(database, *(ticks * 3))
    assert sum(results[0::3]) == 6
    assert sum(results[1::3]) == 6
    async with database.sessions.begin() as session:
        for deal in deals:
            assert await rows.available(session, deal.advertiser) == 20_100
