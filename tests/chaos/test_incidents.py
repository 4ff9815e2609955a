"""Test each incident of the runbook: cause it, limit it, repair it, and check the result."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.telegram.rate_limiter import RateLimiter
from db import queries
from db.models.operations import Switch
from sandbox import embedded
from scheduler import breaker, notice_delivery, settlements, watchdogs
from scheduler import dispatch as workers
from services.market.creatives import Creative
from services.money import incidents
from services.posts import dead_letters, rescue
from services.posts import posting as posts
from services.posts.posting import Claim
from tests.conftest import Database
from tests.sandbox.telegram.raw_world import begin
from tests.scheduler.scene import AD, Scene

UNUSED_URL = "http://127.0.0.1:1"
"""An address without a server."""


@pytest.fixture
async def scene(
    server: embedded.Postgres, database: Database, tmp_path: Path
) -> AsyncIterator[Scene]:
    """Yield a marketplace with people, a channel and an active campaign."""
    async with begin(tmp_path / "telegram") as world:
        await world.populate()
        scene = Scene(database, server.dsn(embedded.SUPERUSER, "postgres"), world)
        await scene.populate(creative=Creative(kind="text", text=AD))
        yield scene
        for close in scene.closing:
            await close()


async def run_money_ticks(scene: Scene) -> None:
    """Pay owners and refund advertisers."""
    await settlements.release_due(scene.database.sessions)
    await settlements.refund_due(scene.database.sessions)


async def statuses(scene: Scene) -> dict[str, int]:
    """Return the number of post jobs with each status, as the runbook counts them."""
    rows = await scene.rows("SELECT status, COUNT(*) FROM post_jobs GROUP BY status")
    return {row["status"]: row["count"] for row in rows}


async def admin_notices(scene: Scene) -> list[str]:
    """Return the kinds of the messages that wait for the admin chat, oldest first."""
    rows = await scene.rows("SELECT kind FROM outbox WHERE user_id IS NULL ORDER BY id")
    return [row["kind"] for row in rows]


async def test_telegram_api_outage(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "REACHABLE_CHECK_SECONDS", 0.0)
    channel_ids = [scene.channel_id] + [await scene.another_channel() for _ in range(4)]
    target_ids = [await scene.approve(channel_id=channel_id) for channel_id in channel_ids]
    # Reproduced: no request reaches Telegram. Contained: sending stops by itself.
    offline_worker = scene.posting_worker(api_url=UNUSED_URL)
    for _ in range(3):
        await scene.dispatch(offline_worker)
        await scene.database.forward(timedelta(minutes=1))
    assert offline_worker.breaker.open
    spent = [(await scene.job(target_id))["attempts"] for target_id in target_ids]
    await scene.dispatch(offline_worker)
    assert [(await scene.job(target_id))["attempts"] for target_id in target_ids] == spent
    assert max(spent) < posts.MAX_ATTEMPTS
    await run_money_ticks(scene)
    assert await statuses(scene) == {"queued": 5}
    assert {(await scene.job(target_id))["escrow"] for target_id in target_ids} == {"held"}
    assert (await admin_notices(scene))[-1] == "telegram_down"
    # Contained by people as well: they stop and start the switches in the runbook's order.
    for key in (Switch.TELEGRAM_POSTING, Switch.WORKER_POST):
        await scene.set_switch(key, enabled=False)
    worker = scene.posting_worker(owner="after the outage")
    await scene.dispatch(worker)
    assert await statuses(scene) == {"queued": 5}
    for key in (Switch.TELEGRAM_POSTING, Switch.WORKER_POST):
        await scene.set_switch(key, enabled=True)
    # Recovered: the same queue is published, each post once.
    await scene.database.forward(timedelta(minutes=15))
    await scene.dispatch(worker)
    await run_money_ticks(scene)
    assert await statuses(scene) == {"success": 5}
    assert "telegram_back" in await admin_notices(scene)
    assert len(await scene.published()) == 5
    assert {(await scene.job(target_id))["target"] for target_id in target_ids} == {"posted"}
    for _ in range(5):  # a busy machine needs several ticks
        await notice_delivery.deliver_alarms(scene.outbox_worker())
    shown = [m["text"] or "" for m in await scene.messages("group")]
    assert any("Telegram is down" in text for text in shown)


@pytest.mark.keeps_limits
async def test_redis_outage(scene: Scene, tmp_path: Path) -> None:
    valkey = await embedded.start_valkey(tmp_path / "valkey")
    channel_ids = [scene.channel_id] + [await scene.another_channel() for _ in range(5)]
    chats = {row["id"]: row["chat_id"] for row in await scene.rows("SELECT * FROM channels")}
    worker = replace(scene.posting_worker(), limiter=RateLimiter(valkey.url))
    scene.closing.append(worker.limiter.close)
    try:
        target_ids = [await scene.approve(channel_id=channel_id) for channel_id in channel_ids[:2]]
        await scene.dispatch(worker)
        assert await statuses(scene) == {"success": 2}
    finally:
        await valkey.stop()
    # Reproduced: Redis stops in the middle of the work. Contained: posts and money do not need
    # Redis, and each process keeps its own part of the limits.
    target_ids += [await scene.approve(channel_id=channel_id) for channel_id in channel_ids[2:4]]
    await scene.dispatch(worker)
    assert await statuses(scene) == {"success": 4}
    assert await worker.limiter.wait(chats[channel_ids[3]], within=0) > 0
    await scene.set_switch(Switch.WORKER_POST, enabled=False)
    target_ids += [await scene.approve(channel_id=channel_id) for channel_id in channel_ids[4:]]
    await scene.dispatch(worker)
    assert await statuses(scene) == {"success": 4, "queued": 2}
    # Recovered: the queue is in PostgreSQL, and no post is lost.
    await scene.set_switch(Switch.WORKER_POST, enabled=True)
    await scene.dispatch(worker)
    await run_money_ticks(scene)
    assert await statuses(scene) == {"success": 6}
    assert {(await scene.job(target_id))["target"] for target_id in target_ids} == {"posted"}
    assert len(await scene.published()) == 6


async def test_worker_crash_loop(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    poisoned = await scene.approve()
    healthy = await scene.approve(channel_id=await scene.another_channel())
    publish = workers._publish

    async def fail_on_poisoned(
        worker: workers.PostingWorker, claim: Claim, lease_ends: float
    ) -> None:
        if claim.target_id == poisoned:
            raise MemoryError("the ad is too much for it")
        await publish(worker, claim, lease_ends)

    # Reproduced: every worker that claims the post dies. Contained: the job fails for good.
    monkeypatch.setattr(workers, "_publish", fail_on_poisoned)
    for number in range(rescue.MAX_ABANDONED):
        await scene.dispatch(owner=f"worker {number}")
        await scene.database.as_owner(
            "UPDATE post_jobs SET lease_until = now() - interval '1 s' WHERE status = 'sending'"
        )
        await watchdogs.rescue_abandoned(scene.database.sessions)
        await scene.database.forward(timedelta(minutes=1))
    await scene.dispatch(owner="one more")
    job = await scene.job(poisoned)
    assert (job["status"], job["claim_no"]) == ("failed", rescue.MAX_ABANDONED)
    assert (await scene.job(healthy))["status"] == "success"  # other posts did not wait
    await run_money_ticks(scene)
    assert (await scene.job(poisoned))["target"] == "refunded"
    # Recovered: the job is among the dead letters with its error, and can be offered again.
    monkeypatch.setattr(workers, "_publish", publish)
    async with scene.database.sessions.begin() as session:
        [letter] = await dead_letters.page(session, limit=9, offset=0)
        assert (letter.target_id, "worker was gone" in letter.error) == (poisoned, True)
        assert await dead_letters.offer(
            session, actor=scene.actors["moderator"], target_id=poisoned
        )
    async with scene.database.sessions.begin() as session:
        again = await dead_letters.retry(
            session,
            actor=scene.actors["advertiser"],
            target_id=poisoned,
            agreed=queries.required(letter.terms_now),
            fee_bps=1_000,
        )
        assert (again.retry_of, again.status) == (poisoned, "pending")
    assert len(await scene.published()) == 1


async def test_escrow_stuck_in_held(scene: Scene) -> None:
    sla = timedelta(hours=24)
    stuck = await scene.approve()
    uncertain = await scene.approve(channel_id=await scene.another_channel())
    for change in (
        "status = 'sending', lease_owner = 'gone', lease_until = now()",
        "status = 'uncertain', lease_owner = NULL, lease_until = NULL",
    ):
        await scene.database.as_owner(
            f"UPDATE post_jobs SET {change} WHERE campaign_target_id = $1",
            uncertain,
        )
    # Reproduced: the workers are stopped while a post waits.
    await scene.set_switch(Switch.WORKER_POST, enabled=False)
    await scene.dispatch()
    await scene.database.forward(sla + timedelta(minutes=1))
    # Contained: while its switch is stopped, the watchdog only counts and notifies.
    await scene.set_switch(Switch.WORKER_WATCHDOGS, enabled=False)
    await watchdogs.refund_stuck_escrows(scene.database.sessions, sla)
    assert (await scene.job(stuck))["escrow"] == "held"
    assert (await admin_notices(scene))[-1] == "escrow_watchdog"
    # Recovered: the watchdog refunds a post that is surely not published, and nothing else.
    await scene.set_switch(Switch.WORKER_WATCHDOGS, enabled=True)
    await watchdogs.refund_stuck_escrows(scene.database.sessions, sla)
    job = await scene.job(stuck)
    assert (job["status"], job["escrow"], job["target"]) == ("failed", "refunded", "refunded")
    job = await scene.job(uncertain)
    assert (job["status"], job["escrow"]) == ("uncertain", "held")
    held = await scene.rows("SELECT campaign_target_id FROM escrows WHERE status = 'held'")
    assert [row["campaign_target_id"] for row in held] == [uncertain]
    await scene.set_switch(Switch.WORKER_POST, enabled=True)
    await scene.dispatch()
    assert await scene.published() == []
    async with scene.database.sessions.begin() as session:
        assert await incidents.check_ledger_invariant(session) == []
