"""Test that an escrow is released or refunded at most one time.

No operation is committed after its kill switch is stopped.
"""

import asyncio
import random
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch
from db.models.posting import Verdict
from db.session import is_away
from services.money import escrow, withdrawals
from services.platform import errors
from services.posts import verification
from tests.conftest import Database
from tests.factories import concurrency, payments, people, rows
from tests.factories.concurrency import Act


async def test_a_concurrent_release_and_refund_settle_once(database: Database) -> None:
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
                await verification.record_check(
                    session, job_id=jobs[target_id], verdict=verdict, evidence="x"
                )
    await database.forward(timedelta(hours=1))
    acts: list[Act] = []
    for target_id, job_id in jobs.items():
        acts += [
            *([partial(escrow.release, target_id=target_id)] * 10),
            *([partial(escrow.refund, target_id=target_id)] * 10),
            *[partial(verification.record_check, job_id=job_id, verdict=Verdict.GONE, evidence="x")]
            * 6,
        ]
    random.Random(1).shuffle(acts)
    assert len(acts) >= 50
    results = await concurrency.run_concurrently(database.sessions, *acts)
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
                [("held", "failed", None)],  # every refund came before the last check
            )


async def _ready(session: AsyncSession, key: Switch, number: int) -> Act:
    """Prepare an operation that the kill switch `key` can forbid, and return the operation."""
    if key is Switch.NEW_ESCROWS:
        made = await people.deal(session)
        return partial(escrow.hold, target_id=made.target.id)
    if key is Switch.REFUNDS:
        made = await people.failed(session)
        return partial(escrow.refund, target_id=made.target.id)
    if key is Switch.PAYOUTS:
        made = await people.posted(session, promised_hours=0)
        return partial(escrow.release, target_id=made.target.id)
    if key is Switch.WITHDRAWALS:
        owner = await people.person(session, balance=5)
        return partial(withdrawals.request, actor=owner, amount=5, key=f"late-{number}")
    payer = await people.person(session)
    assert payer.user_id is not None
    return partial(
        payments.deposit, user_id=payer.user_id, amount=5, key=f"late-{number}", source="telegram"
    )


ENDED = "ended"
"""The result if the stop of a kill switch ended the session of the operation."""
MOVED = {
    Switch.NEW_ESCROWS: "escrow_hold",
    Switch.REFUNDS: "refund",
    Switch.PAYOUTS: "payout",
    Switch.DEPOSITS: "deposit",
    Switch.WITHDRAWALS: "withdrawal_hold",
}


@pytest.mark.parametrize("key", list(MOVED))
async def test_nothing_commits_after_stopped_was_answered(database: Database, key: Switch) -> None:
    count = 50
    acts = []
    for number in range(count):
        async with database.sessions.begin() as session:
            acts.append(await _ready(session, key, number))
    counting = f"SELECT count(*) FROM ledger_transfers WHERE reason = '{MOVED[key]}'"
    async with database.sessions.begin() as session:
        before = await rows.one(session, counting)

    # Fewer acts run than there are connections. So the stop does not wait for a connection.
    turns, done = asyncio.Semaphore(16), asyncio.Semaphore(0)

    async def work(act: Act) -> Any:
        async def slowly(session: AsyncSession) -> None:
            await asyncio.sleep(random.uniform(0, 0.05))
            await act(session)
            await asyncio.sleep(random.uniform(0, 0.05))

        async with turns:
            try:
                (result,) = await concurrency.run_concurrently(database.sessions, slowly)
            except Exception as error:
                if not is_away(error):
                    raise
                result = ENDED
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
    # A payment that arrived is recorded, and credited when the switch runs again.
    ended = results.count(ENDED)
    recorded = count - ended if key is Switch.DEPOSITS else at_the_answer - before
    assert results.count(None) == recorded
    assert results.count(None) + stopped + ended == count
    assert 0 < at_the_answer - before < count


async def test_stop_waits_for_a_transaction_under_way(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
        late = await people.deal(session)
    held, answered = asyncio.Event(), asyncio.Event()

    async def hold() -> bool:
        async with database.sessions.begin() as session:
            await escrow.hold(session, target_id=deal.target.id)
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
            await escrow.hold(session, target_id=late.target.id)
