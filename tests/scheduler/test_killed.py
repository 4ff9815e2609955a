"""Test that another worker completes the work of a worker that died."""

import asyncio
from typing import Any

import pytest

from bot.telegram.sender import Sender
from scheduler import dispatch as workers
from scheduler import settlements, watchdogs
from services.money import escrow
from services.posts import posting
from tests.scheduler.scene import Scene


class KilledError(BaseException):
    """An error that ends a worker as a kill does: `except Exception` does not catch it."""


def die_at(monkeypatch: pytest.MonkeyPatch, place: Any, name: str, moment: str) -> None:
    """Let a worker die before or after the next call of a function."""
    living = getattr(place, name)

    async def failpoint(*arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(place, name, living)
        if moment == "after":
            await living(*arguments, **named)
        raise KilledError

    monkeypatch.setattr(place, name, failpoint)


async def work(scene: Scene) -> None:
    """Let one worker send the due posts and pay the due escrows."""
    posting_worker = scene.posting_worker(owner="dying")
    try:
        await workers.dispatch(posting_worker)
        await asyncio.gather(*posting_worker.under_way)
        await settlements.release_due(scene.database.sessions)
    except KilledError:
        pass


async def run_another_worker(scene: Scene) -> None:
    """End the lease of the dead worker, and run the periodic work of another worker."""
    await scene.database.as_owner(
        "UPDATE post_jobs SET lease_until = now() - interval '1 s' WHERE status = 'sending'"
    )
    for _ in range(2):
        await watchdogs.rescue_abandoned(scene.database.sessions)
        await scene.dispatch(owner="another")
        await settlements.release_due(scene.database.sessions)
        await settlements.refund_due(scene.database.sessions)


PAID = ("success", "released", "posted")
NOBODY_KNOWS = ("uncertain", "held", "approved")


@pytest.mark.parametrize(
    ("place", "name", "moment", "end", "messages"),
    [
        (posting, "claim_due", "before", PAID, 1),
        (posting, "claim_due", "after", PAID, 1),
        (posting, "begin_sends", "after", PAID, 1),
        (workers.PostingWorker, "_begin_sends", "after", NOBODY_KNOWS, 0),
        (posting, "begin_sends", "before", PAID, 1),
        (Sender, "send_ad", "before", NOBODY_KNOWS, 0),
        (Sender, "send_ad", "after", NOBODY_KNOWS, 1),
        (posting, "record_published", "before", NOBODY_KNOWS, 1),
        (posting, "record_published", "after", NOBODY_KNOWS, 1),
        (escrow, "list_releasable", "before", PAID, 1),
        (escrow, "release", "before", PAID, 1),
        (escrow, "release", "after", PAID, 1),
    ],
)
async def test_a_death_at_any_point_causes_no_second_message_and_no_second_payout(
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
    place: Any,
    name: str,
    moment: str,
    end: tuple[str, str, str],
    messages: int,
) -> None:
    target_id = await scene.approve()
    die_at(monkeypatch, place, name, moment)
    await work(scene)
    await run_another_worker(scene)
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"], job["target"]) == end
    assert len(await scene.published()) == messages
    payouts = await scene.rows("SELECT key FROM ledger_transfers WHERE reason = 'payout'")
    assert len(payouts) == (end == PAID)


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_death_during_the_record_of_many_posts_sends_none_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    channel_ids = [scene.channel_id] + [await scene.another_channel() for _ in range(5)]
    target_ids = [await scene.approve(channel_id=channel_id) for channel_id in channel_ids]
    die_at(monkeypatch, posting, "record_published", moment)
    await work(scene)
    await run_another_worker(scene)
    jobs = [await scene.job(target_id) for target_id in target_ids]
    ends = {(job["status"], job["escrow"], job["target"]) for job in jobs}
    assert NOBODY_KNOWS in ends
    assert ends <= {NOBODY_KNOWS, PAID}
    assert {job["claim_no"] for job in jobs} == {1}
    assert len(await scene.published()) == len(target_ids)
    payouts = await scene.rows("SELECT key FROM ledger_transfers WHERE reason = 'payout'")
    assert len(payouts) == sum(job["escrow"] == "released" for job in jobs)
