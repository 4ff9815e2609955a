"""The incidents of the runbook: each reproduced, contained, recovered and verified.

Telegram is down; Redis is down; an ad makes its workers die; an escrow is stuck in HELD.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.limiter import Limiter
from db.models.operations import Switch
from sandbox import embedded
from scheduler import breaker, outbox, settlements, watchdogs
from scheduler import posting as workers
from services import dead_letters, system
from services import posting as posts
from services.claims import Claim
from services.creatives import Creative
from tests.conftest import Database
from tests.sandbox.raw_world import begin
from tests.scheduler.scene import AD, Scene

NOWHERE = "http://127.0.0.1:1"
"""A port on which nobody listens."""


@pytest.fixture
async def scene(
    server: embedded.Postgres, database: Database, tmp_path: Path
) -> AsyncIterator[Scene]:
    """Everybody registered, one channel connected, one text campaign active."""
    async with begin(tmp_path / "telegram") as world:
        await world.populate()
        scene = Scene(database, server.dsn(embedded.SUPERUSER, "postgres"), world)
        await scene.populate(creative=Creative(kind="text", text=AD))
        yield scene
        for close in scene.closing:
            await close()


async def money(scene: Scene) -> None:
    """The ticks that move money."""
    await settlements.release_due(scene.database.sessions)
    await settlements.refund_due(scene.database.sessions)


async def statuses(scene: Scene) -> dict[str, int]:
    """The plan's own check: how many post jobs stand where."""
    rows = await scene.rows("SELECT status, COUNT(*) FROM post_jobs GROUP BY status")
    return {row["status"]: row["count"] for row in rows}


async def kinds_owed(scene: Scene) -> list[str]:
    """What the admin chat is owed, in order."""
    rows = await scene.rows("SELECT kind FROM outbox WHERE user_id IS NULL ORDER BY id")
    return [row["kind"] for row in rows]


async def test_telegram_api_outage(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "ASK_SECONDS", 0.0)
    places = [scene.channel_id] + [await scene.another_channel() for _ in range(4)]
    target_ids = [await scene.approve(channel_id=place) for place in places]
    # Reproduced: nothing gets through to Telegram. Contained: sending stops by itself.
    cut_off = scene.desk(api_url=NOWHERE)
    for _ in range(3):
        await scene.dispatch(cut_off)
        await scene.database.forward(timedelta(minutes=1))
    assert cut_off.breaker.open
    spent = [(await scene.job(target_id))["attempts"] for target_id in target_ids]
    await scene.dispatch(cut_off)
    assert [(await scene.job(target_id))["attempts"] for target_id in target_ids] == spent
    assert max(spent) < posts.MAX_ATTEMPTS
    await money(scene)
    assert await statuses(scene) == {"queued": 5}
    assert {(await scene.job(target_id))["escrow"] for target_id in target_ids} == {"held"}
    assert (await kinds_owed(scene))[-1] == "telegram_down"
    # Contained by hand as well, as the runbook says, and run again in its order.
    for key in (Switch.TELEGRAM_POSTING, Switch.WORKER_POST):
        await scene.set_switch(key, enabled=False)
    back = scene.desk(owner="after the outage")
    await scene.dispatch(back)
    assert await statuses(scene) == {"queued": 5}
    for key in (Switch.TELEGRAM_POSTING, Switch.WORKER_POST):
        await scene.set_switch(key, enabled=True)
    # Recovered: the same queue goes out, each post once.
    await scene.database.forward(timedelta(minutes=15))
    await scene.dispatch(back)
    await money(scene)
    assert await statuses(scene) == {"success": 5}
    assert "telegram_back" in await kinds_owed(scene)
    assert len(await scene.published()) == 5
    assert {(await scene.job(target_id))["target"] for target_id in target_ids} == {"posted"}
    for _ in range(5):  # on a busy machine it takes several ticks
        await outbox.deliver(scene.mail())
    shown = [m["text"] or "" for m in await scene.messages("group")]
    assert any("Telegram stopped answering" in text for text in shown)


async def test_redis_outage(scene: Scene, tmp_path: Path) -> None:
    valkey = await embedded.start_valkey(tmp_path / "valkey")
    places = [scene.channel_id] + [await scene.another_channel() for _ in range(5)]
    chats = {row["id"]: row["chat_id"] for row in await scene.rows("SELECT * FROM channels")}
    desk = replace(scene.desk(), limiter=Limiter(valkey.url))
    scene.closing.append(desk.limiter.close)
    try:
        target_ids = [await scene.approve(channel_id=place) for place in places[:2]]
        await scene.dispatch(desk)
        assert await statuses(scene) == {"success": 2}
    finally:
        await valkey.stop()
    # Reproduced: it is gone in the middle of the work. Contained: posts and money do not need
    # it, and the limits are kept by each process for itself.
    target_ids += [await scene.approve(channel_id=place) for place in places[2:4]]
    await scene.dispatch(desk)
    assert await statuses(scene) == {"success": 4}
    assert await desk.limiter.turn(chats[places[3]], within=0) > 0
    await scene.set_switch(Switch.WORKER_POST, enabled=False)
    target_ids += [await scene.approve(channel_id=place) for place in places[4:]]
    await scene.dispatch(desk)
    assert await statuses(scene) == {"success": 4, "queued": 2}
    # Recovered: the queue is in PostgreSQL, and nothing of it is lost.
    await scene.set_switch(Switch.WORKER_POST, enabled=True)
    await scene.dispatch(desk)
    await money(scene)
    assert await statuses(scene) == {"success": 6}
    assert {(await scene.job(target_id))["target"] for target_id in target_ids} == {"posted"}
    assert len(await scene.published()) == 6


async def test_worker_crash_loop(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    poisoned = await scene.approve()
    sound = await scene.approve(channel_id=await scene.another_channel())
    handle = workers._handle

    async def die_over_it(desk: workers.Desk, claim: Claim, lease_ends: float) -> None:
        if claim.target_id == poisoned:
            raise MemoryError("the ad is too much for it")
        await handle(desk, claim, lease_ends)

    # Reproduced: every worker that takes it up dies over it. Contained: it is parked by itself.
    monkeypatch.setattr(workers, "_handle", die_over_it)
    for number in range(posts.MAX_ABANDONED):
        await scene.dispatch(owner=f"worker {number}")
        await scene.database.as_owner(
            "UPDATE post_jobs SET lease_until = now() - interval '1 s' WHERE status = 'sending'"
        )
        await watchdogs.rescue_abandoned(scene.database.sessions)
        await scene.database.forward(timedelta(minutes=1))
    await scene.dispatch(owner="one more")
    job = await scene.job(poisoned)
    assert (job["status"], job["claim_no"]) == ("failed", posts.MAX_ABANDONED)
    assert (await scene.job(sound))["status"] == "success"  # it has held nobody up
    await money(scene)
    assert (await scene.job(poisoned))["target"] == "refunded"
    # Recovered: it is among the dead letters with its error, and can be offered again.
    monkeypatch.setattr(workers, "_handle", handle)
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
            agreed=letter.terms_now,
            fee_bps=1_000,
        )
        assert (again.retry_of, again.status) == (poisoned, "pending")
    assert len(await scene.published()) == 1


async def test_escrow_stuck_in_held(scene: Scene) -> None:
    sla = timedelta(hours=24)
    # Reproduced: the workers are stopped while a post waits.
    await scene.set_switch(Switch.WORKER_POST, enabled=False)
    stuck = await scene.approve()
    uncertain = await scene.approve(channel_id=await scene.another_channel())
    await scene.database.as_owner(
        "UPDATE post_jobs SET status = 'uncertain' WHERE campaign_target_id = $1", uncertain
    )
    await scene.dispatch()
    await scene.database.forward(sla + timedelta(minutes=1))
    # Contained: with the watchdog stopped it only counts and tells.
    await scene.set_switch(Switch.WORKER_WATCHDOGS, enabled=False)
    await watchdogs.refund_stuck_escrows(scene.database.sessions, sla)
    assert (await scene.job(stuck))["escrow"] == "held"
    assert (await kinds_owed(scene))[-1] == "escrow_watchdog"
    # Recovered: it refunds what surely is not out, and touches nothing else.
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
        assert await system.check_ledger_invariant(session) == []
