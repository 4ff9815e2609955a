"""Test that each post is sent at most once."""

import asyncio
import contextlib
import time
from collections.abc import Sequence

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.telegram.send_outcomes import NotSent, Sent
from db.models.operations import Switch
from scheduler import dispatch, notice_delivery, settlements, watchdogs
from services.market.creatives import Creative
from services.posts import posting
from tests.factories import breakage
from tests.scheduler.scene import Scene


async def test_a_post_that_is_due_before_the_next_tick_is_sent_on_time(scene: Scene) -> None:
    soon = await scene.approve()
    later = await scene.approve(channel_id=await scene.another_channel())
    await scene.database.as_owner(
        "UPDATE post_jobs SET due_at = clock() + interval '1 s' * "
        "CASE campaign_target_id WHEN $1 THEN 0.2 ELSE 5 END",
        soon,
    )
    await scene.dispatch()
    assert (await scene.job(soon))["status"] == "success"
    assert (await scene.job(later))["claim_no"] == 0
    [posted] = await scene.rows(
        "SELECT sent_at >= due_at AS waited FROM post_jobs WHERE status = 'success'"
    )
    assert posted["waited"]


async def test_posts_that_cannot_be_recorded_together_are_recorded_alone(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel_ids = [scene.channel_id] + [await scene.another_channel() for _ in range(3)]
    target_ids = [await scene.approve(channel_id=channel_id) for channel_id in channel_ids]
    [last] = await scene.rows("SELECT max(id) AS id FROM post_jobs")
    await scene.database.as_owner(
        "ALTER TABLE post_jobs ADD CONSTRAINT poison "
        f"CHECK (status <> 'success' OR id <> {last['id']})"
    )
    monkeypatch.setattr(dispatch, "RECORD_RETRY_SECONDS", 0.05)
    posting_worker = scene.posting_worker(lease=3, seconds=1)
    await scene.dispatch(posting_worker)
    assert len(await scene.published()) == len(target_ids)
    found = [(await scene.job(target_id))["status"] for target_id in target_ids]
    assert sorted(found) == ["sending", "success", "success", "success"]
    await scene.database.as_owner(
        "UPDATE post_jobs SET lease_until = now() - interval '1 s' WHERE status = 'sending'"
    )
    await watchdogs.rescue_abandoned(scene.database.sessions)
    await scene.dispatch(owner="another worker")
    assert (await scene.job(target_ids[-1]))["status"] == "uncertain"
    assert len(await scene.published()) == len(target_ids)


async def test_a_worker_without_capacity_reports_that_it_is_behind(scene: Scene) -> None:
    channel_ids = [scene.channel_id] + [
        await scene.another_channel() for _ in range(dispatch.MAX_POSTS_UNDER_WAY)
    ]
    for channel_id in channel_ids:
        await scene.approve(channel_id=channel_id)
    await scene.fault("sendMessage", "slow", delay_s=1)
    posting_worker = scene.posting_worker(lease=60, seconds=5)
    working = asyncio.create_task(dispatch.dispatch(posting_worker))
    while not posting_worker.under_way:
        await asyncio.sleep(0)
    assert posting_worker.behind.is_set()
    await working
    async with asyncio.timeout(60):
        # On a slow machine, the claiming time of one call may end before there is capacity again.
        while posting_worker.behind.is_set():
            await asyncio.gather(*posting_worker.under_way)
            await dispatch.dispatch(posting_worker)
    await asyncio.gather(*posting_worker.under_way)
    await scene.dispatch(posting_worker)
    statuses = await scene.rows("SELECT status, count(*) AS posts FROM post_jobs GROUP BY status")
    assert statuses == [{"status": "success", "posts": len(channel_ids)}]


async def test_a_send_waits_for_its_slot_and_can_be_stopped_before_it(scene: Scene) -> None:
    sender, chat_id = scene.posting_worker().sender, scene.world.ids["channel"]
    ad, now = Creative(kind="text", text="Lamp"), time.monotonic()
    stopped = asyncio.create_task(sender.send_ad(chat_id, ad, not_before=now + 30))
    await asyncio.sleep(0.1)
    stopped.cancel()
    assert await stopped == NotSent("stopped before sending", counts=False)
    assert await scene.published() == []
    assert isinstance(await sender.send_ad(chat_id, ad, not_before=now + 0.5), Sent)
    assert time.monotonic() >= now + 0.5
    assert len(await scene.published()) == 1


async def test_two_workers_send_each_post_once(scene: Scene) -> None:
    channel_ids = [scene.channel_id] + [await scene.another_channel() for _ in range(7)]
    target_ids = [await scene.approve(channel_id=channel_id) for channel_id in channel_ids]
    await asyncio.gather(*(scene.dispatch(owner=f"worker {n}") for n in range(3)))
    assert {(await scene.job(target_id))["status"] for target_id in target_ids} == {"success"}
    places = [message["chat_id"] for message in await scene.published()]
    assert len(places) == len(set(places)) == len(target_ids)


async def test_a_channel_gets_its_posts_one_at_a_time(scene: Scene) -> None:
    target_ids = [await scene.approve() for _ in range(2)]
    await scene.fault("sendMessage", "slow", delay_s=1.5)
    workers = [asyncio.create_task(scene.dispatch(owner=f"worker {n}")) for n in range(2)]
    await scene.until_sending(target_ids[0])
    assert (await scene.job(target_ids[1]))["status"] == "queued"
    await asyncio.gather(*workers)
    await asyncio.sleep(1)
    await scene.dispatch()
    assert {(await scene.job(target_id))["status"] for target_id in target_ids} == {"success"}
    assert len(await scene.published()) == 2


async def test_a_worker_that_outlives_its_lease_changes_nothing(scene: Scene) -> None:
    target_id = await scene.approve()
    await scene.fault("sendMessage", "slow", delay_s=1.5)
    late = asyncio.create_task(scene.dispatch(owner="paused worker"))
    await scene.until_begun(target_id)
    await scene.database.as_owner("UPDATE post_jobs SET lease_until = now() - interval '1 s'")
    await watchdogs.rescue_abandoned(scene.database.sessions)
    assert (await scene.job(target_id))["status"] == "uncertain"
    before = await scene.rows("SELECT * FROM post_jobs")
    notices = await scene.rows("SELECT id FROM outbox")
    await late
    assert len(await scene.published()) == 1
    assert await scene.rows("SELECT * FROM post_jobs") == before
    assert await scene.rows("SELECT id FROM outbox") == notices


@pytest.mark.keeps_limits
@pytest.mark.parametrize("key", [Switch.TELEGRAM_POSTING])
async def test_a_switch_stopped_between_claim_and_send_prevents_the_send(
    scene: Scene, key: Switch
) -> None:
    target_id = await scene.approve()
    posting_worker = scene.posting_worker()
    # The worker has claimed the post and waits for its slot. Now an operator stops posting.
    assert await posting_worker.limiter.wait(scene.world.ids["channel"], within=0) == 0
    working = asyncio.create_task(scene.dispatch(posting_worker))
    await scene.until_sending(target_id)
    change = await scene.set_switch(key, enabled=False)
    assert change.sends_under_way == 1
    await working
    job = await scene.job(target_id)
    assert (job["status"], job["attempts"], job["lease_owner"]) == ("queued", 0, None)
    assert await scene.published() == []
    await scene.set_switch(key, enabled=True)
    await asyncio.sleep(1)
    await scene.dispatch(posting_worker)
    assert (await scene.job(target_id))["status"] == "success"
    assert len(await scene.published()) == 1


@pytest.mark.parametrize("key", [Switch.TELEGRAM_POSTING, Switch.WORKER_POST])
async def test_a_stopped_switch_leaves_the_queue_alone(scene: Scene, key: Switch) -> None:
    target_id = await scene.approve()
    await scene.set_switch(key, enabled=False)
    await scene.dispatch()
    job = await scene.job(target_id)
    assert (job["status"], job["claim_no"]) == ("queued", 0)


@pytest.mark.keeps_limits
async def test_a_stop_releases_the_claims_that_were_not_sent(scene: Scene) -> None:
    target_id = await scene.approve()
    posting_worker = scene.posting_worker()
    assert await posting_worker.limiter.wait(scene.world.ids["channel"], within=0) == 0
    working = asyncio.create_task(scene.dispatch(posting_worker))
    await scene.until_sending(target_id)
    posting_worker.stopping.set()
    await working
    job = await scene.job(target_id)
    assert (job["status"], job["attempts"]) == ("queued", 0)
    assert await scene.published() == []


async def test_a_cancelled_worker_records_its_post_as_uncertain(scene: Scene) -> None:
    target_id = await scene.approve()
    await scene.fault("sendMessage", "timeout_after")
    working = asyncio.create_task(scene.dispatch(seconds=20))
    await scene.until_published()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert (await scene.job(target_id))["status"] == "uncertain"
    assert len(await scene.published()) == 1


async def test_an_ad_that_cannot_be_built_is_refunded_and_delays_no_other(scene: Scene) -> None:
    broken = await scene.approve()
    other = await scene.approve(channel_id=await scene.another_channel())
    await breakage.run_unguarded(
        scene.database,
        f"""
        WITH copied AS (
            INSERT INTO campaigns (advertiser_id, name, creative, total_budget)
            SELECT advertiser_id, name,
                creative || '{{"entities": [{{"type": "bold"}}]}}', total_budget
            FROM campaigns RETURNING id
        )
        UPDATE campaign_targets SET campaign_id = (SELECT id FROM copied) WHERE id = {broken}
        """,
    )
    await scene.database.as_owner("UPDATE campaigns SET status = 'active' WHERE status = 'draft'")
    await scene.dispatch()
    await settlements.refund_due(scene.database.sessions)
    assert (await scene.job(broken))["target"] == "refunded"
    assert (await scene.job(other))["status"] == "success"


@pytest.mark.keeps_limits
async def test_a_channel_at_its_limit_delays_no_other(scene: Scene) -> None:
    """Check that a channel at its rate limit does not delay other channels."""
    full = [scene.channel_id] + [await scene.another_channel() for _ in range(3)]
    target_ids = [await scene.approve(channel_id=channel_id) for channel_id in full]
    free = await scene.approve(channel_id=await scene.another_channel())
    posting_worker = scene.posting_worker(lease=2, seconds=1)
    chats = {row["id"]: row["chat_id"] for row in await scene.rows("SELECT * FROM channels")}
    for channel_id in full:
        await posting_worker.limiter.wait(chats[channel_id], within=0)
    await scene.dispatch(posting_worker)
    assert (await scene.job(free))["status"] == "success"
    for target_id in target_ids:
        job = await scene.job(target_id)
        assert (job["status"], job["attempts"]) == ("queued", 0)
    await asyncio.sleep(1.1)
    await scene.dispatch(posting_worker)
    assert {(await scene.job(target_id))["status"] for target_id in target_ids} == {"success"}


async def test_a_slow_send_delays_no_other(scene: Scene) -> None:
    slow = await scene.approve()
    await scene.fault("sendMessage", "slow", delay_s=2)
    posting_worker = scene.posting_worker()
    await dispatch.dispatch(posting_worker)
    await scene.until_sending(slow)
    other = await scene.approve(channel_id=await scene.another_channel())
    await dispatch.dispatch(posting_worker)
    while len(posting_worker.under_way) > 1:
        await asyncio.wait(posting_worker.under_way, return_when=asyncio.FIRST_COMPLETED)
    assert (await scene.job(other))["status"] == "success"
    assert (await scene.job(slow))["status"] == "sending"
    await asyncio.gather(*posting_worker.under_way)
    assert (await scene.job(slow))["status"] == "success"


async def test_an_outcome_is_recorded_when_the_database_comes_back(scene: Scene) -> None:
    target_id = await scene.approve()
    await scene.fault("sendMessage", "slow", delay_s=0.5)
    posting_worker = scene.posting_worker()
    working = asyncio.create_task(scene.dispatch(posting_worker))
    await scene.until_begun(target_id)
    async with scene.database_away():
        await scene.until_published()
        await asyncio.sleep(0.5)
    await working
    job = await scene.job(target_id)
    assert (job["status"], job["claim_no"]) == ("success", 1)


async def test_a_database_that_goes_away_before_the_send_leaves_nothing_uncertain(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    target_id = await scene.approve()
    living = posting.begin_sends

    async def cut_off(session: AsyncSession, begun: Sequence[posting.Claim]) -> frozenset[int]:
        monkeypatch.setattr(posting, "begin_sends", living)
        async with scene.database_away():
            return await living(session, begun)

    monkeypatch.setattr(posting, "begin_sends", cut_off)
    posting_worker = scene.posting_worker()
    with contextlib.suppress(
        DBAPIError
    ):  # the tick itself may fail as well while the database is not available
        await dispatch.dispatch(posting_worker)
    await asyncio.gather(*posting_worker.under_way)
    assert (await scene.job(target_id))["status"] == "queued"
    await scene.dispatch()
    job = await scene.job(target_id)
    assert (job["status"], job["claim_no"], job["attempts"]) == ("success", 2, 0)
    assert len(await scene.published()) == 1


OTHER_NOTICE = """
    INSERT INTO outbox (kind, payload) VALUES
        ('deposit_credited', '{"deposit_id": 1, "amount": 5}')
"""


@pytest.mark.parametrize("stored", ["{}", '{"kind": "text", "text": 7}', '{"kind": "song"}'])
async def test_an_unreadable_ad_fails_and_delays_no_other(scene: Scene, stored: str) -> None:
    broken = await scene.approve()
    await scene.database.as_owner("ALTER TABLE campaigns ADD COLUMN whole jsonb")
    await scene.database.as_owner(breakage.UNFROZEN)
    await scene.database.as_owner("UPDATE campaigns SET whole = creative, creative = $1", stored)
    await scene.dispatch()
    job = await scene.job(broken)
    assert (job["status"], job["last_error"]) == ("failed", "the stored ad cannot be read")
    await scene.database.as_owner(OTHER_NOTICE)
    await notice_delivery.deliver(scene.outbox_worker())
    [notice] = await scene.rows("SELECT status FROM outbox WHERE kind = 'target_submitted'")
    [other] = await scene.rows("SELECT status FROM outbox WHERE kind = 'deposit_credited'")
    assert (notice["status"], other["status"]) == ("queued", "sent")
    await scene.database.as_owner("UPDATE campaigns SET creative = whole")
    sound = await scene.approve()
    await scene.dispatch()
    assert (await scene.job(sound))["status"] == "success"
    await settlements.refund_due(scene.database.sessions)
    assert (await scene.job(broken))["escrow"] == "refunded"
    assert len(await scene.published()) == 1
