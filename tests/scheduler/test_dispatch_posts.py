"""INT-PJ-01 and what may happen between a claim and its record: never two messages."""

import asyncio
import contextlib
from collections.abc import Sequence

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch
from scheduler import dispatch, settlements, watchdogs
from services.posts import posting
from tests.scheduler.scene import AD, Scene

TICKS_AFTER = 2


async def tick_on(scene: Scene) -> None:
    """What the clock would go on doing; nothing of it may send a second time."""
    desk = scene.desk(owner="another worker")
    for _ in range(TICKS_AFTER):
        await scene.dispatch(desk)
        await watchdogs.rescue_abandoned(scene.database.sessions)
        await settlements.release_due(scene.database.sessions)
        await settlements.refund_due(scene.database.sessions)


async def test_INT_PJ_01_success(scene: Scene) -> None:  # noqa: N802 - the safety plan's name
    target_id = await scene.approve()
    await scene.dispatch()
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"], job["target"]) == ("success", "held", "approved")
    [message] = await scene.published()
    assert message["message_id"] == job["message_id"]
    [shown] = [m for m in await scene.messages("channel") if m["text"]]
    assert shown["text"] == AD
    await settlements.release_due(scene.database.sessions)
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"], job["target"]) == ("success", "released", "posted")
    await tick_on(scene)
    assert len(await scene.published()) == 1


async def test_INT_PJ_01_failure(scene: Scene) -> None:  # noqa: N802 - the safety plan's name
    target_id = await scene.approve()
    await scene.fault(
        "sendMessage", "error", error_code=400, description="Bad Request: message is too long"
    )
    await scene.dispatch()
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"]) == ("failed", "held")
    assert job["last_error"] == "400: Bad Request: message is too long"
    await settlements.refund_due(scene.database.sessions)
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"], job["target"]) == ("failed", "refunded", "refunded")
    await tick_on(scene)
    assert await scene.published() == []


@pytest.mark.parametrize(
    ("kind", "messages", "more"),
    [
        ("cut_after", 1, {}),
        ("timeout_after", 1, {}),
        ("error_after", 1, {"error_code": 500, "description": "Internal Server Error"}),
        ("html_502", 1, {}),
        ("garbage", 1, {}),
        ("refuse_before", 0, {}),
        ("timeout_before", 0, {}),
    ],
)
async def test_what_may_be_out_is_uncertain_and_never_sent_again(
    scene: Scene, kind: str, messages: int, more: dict[str, object]
) -> None:
    target_id = await scene.approve()
    await scene.fault("sendMessage", kind, **more)
    await scene.dispatch(seconds=1)
    assert len(await scene.published()) == messages
    await tick_on(scene)
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"], job["target"]) == ("uncertain", "held", "approved")
    assert job["claim_no"] == 1
    assert len(await scene.published()) == messages


async def test_an_uncertain_post_blocks_its_channel_alone(scene: Scene) -> None:
    stuck = await scene.approve()
    await scene.fault("sendMessage", "cut_after")
    await scene.dispatch()
    waiting = await scene.approve()
    free = await scene.approve(channel_id=await scene.another_channel())
    await scene.dispatch()
    assert (await scene.job(stuck))["status"] == "uncertain"
    assert (await scene.job(waiting))["status"] == "queued"
    assert (await scene.job(free))["status"] == "success"


async def test_a_429_waits_without_losing_an_attempt(scene: Scene) -> None:
    target_id = await scene.approve()
    await scene.fault(
        "sendMessage", "error", error_code=429, description="Too Many Requests", retry_after=30
    )
    desk = scene.desk()
    await scene.dispatch(desk)
    job = await scene.job(target_id)
    assert (job["status"], job["attempts"], job["waits"]) == ("queued", 0, True)
    assert 28 < await desk.limiter.turn(scene.world.ids["channel"], within=0) <= 30
    assert await scene.published() == []


@pytest.mark.parametrize("code", [401, 404, 409])
async def test_what_is_wrong_with_the_bot_stops_posting(scene: Scene, code: int) -> None:
    first = await scene.approve()
    await scene.fault("sendMessage", "error", error_code=code, description="Unauthorized")
    await scene.dispatch()
    [switch] = await scene.rows(
        "SELECT enabled, reason FROM kill_switches WHERE key = 'telegram_posting'"
    )
    assert not switch["enabled"]
    assert str(code) in switch["reason"]
    assert (await scene.job(first))["status"] == "queued"
    told = await scene.rows("SELECT payload FROM outbox WHERE kind = 'switch_changed'")
    assert told[-1]["payload"]["key"] == "telegram_posting"
    await tick_on(scene)
    assert await scene.published() == []


async def test_lost_rights_suspend_the_channel_and_keep_the_post(scene: Scene) -> None:
    target_id = await scene.approve()
    await scene.world.promote(can_post_messages=False)
    await scene.dispatch()
    job = await scene.job(target_id)
    assert (job["status"], job["attempts"], job["escrow"]) == ("queued", 0, "held")
    [channel] = await scene.rows("SELECT status FROM channels")
    assert channel["status"] == "suspended"
    await scene.dispatch()
    assert (await scene.job(target_id))["claim_no"] == 1


async def test_a_refused_connection_costs_an_attempt_until_the_breaker_opens(scene: Scene) -> None:
    target_ids = [await scene.approve(channel_id=await scene.another_channel()) for _ in range(6)]
    desk = scene.desk(api_url="http://127.0.0.1:1")
    await scene.dispatch(desk)
    jobs = [await scene.job(target_id) for target_id in target_ids]
    assert {job["status"] for job in jobs} == {"queued"}
    assert desk.breaker.open
    spent = sum(job["attempts"] for job in jobs)
    assert spent <= dispatch.MAX_POSTS_UNDER_WAY
    await scene.dispatch(desk)
    assert sum([(await scene.job(t))["attempts"] for t in target_ids]) == spent


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
    told = await scene.rows("SELECT id FROM outbox")
    await late
    assert len(await scene.published()) == 1
    assert await scene.rows("SELECT * FROM post_jobs") == before
    assert await scene.rows("SELECT id FROM outbox") == told


@pytest.mark.parametrize("key", [Switch.TELEGRAM_POSTING])
async def test_a_switch_stopped_between_claim_and_send_keeps_the_post_in(
    scene: Scene, key: Switch
) -> None:
    target_id = await scene.approve()
    desk = scene.desk()
    # The worker claims and then waits for its place: meanwhile the operator stops posting.
    assert await desk.limiter.turn(scene.world.ids["channel"], within=0) == 0
    working = asyncio.create_task(scene.dispatch(desk))
    await scene.until_sending(target_id)
    change = await scene.set_switch(key, enabled=False)
    assert change.sends_under_way == 1
    await working
    job = await scene.job(target_id)
    assert (job["status"], job["attempts"], job["lease_owner"]) == ("queued", 0, None)
    assert await scene.published() == []
    await scene.set_switch(key, enabled=True)
    await asyncio.sleep(1)
    await scene.dispatch(desk)
    assert (await scene.job(target_id))["status"] == "success"
    assert len(await scene.published()) == 1


@pytest.mark.parametrize("key", [Switch.TELEGRAM_POSTING, Switch.WORKER_POST])
async def test_a_stopped_switch_leaves_the_queue_alone(scene: Scene, key: Switch) -> None:
    target_id = await scene.approve()
    await scene.set_switch(key, enabled=False)
    await scene.dispatch()
    job = await scene.job(target_id)
    assert (job["status"], job["claim_no"]) == ("queued", 0)


async def test_a_stop_hands_back_what_was_claimed_and_not_sent(scene: Scene) -> None:
    target_id = await scene.approve()
    desk = scene.desk()
    assert await desk.limiter.turn(scene.world.ids["channel"], within=0) == 0
    working = asyncio.create_task(scene.dispatch(desk))
    await scene.until_sending(target_id)
    desk.stopping.set()
    await working
    job = await scene.job(target_id)
    assert (job["status"], job["attempts"]) == ("queued", 0)
    assert await scene.published() == []


async def test_a_cancelled_worker_still_records_that_nobody_knows(scene: Scene) -> None:
    target_id = await scene.approve()
    await scene.fault("sendMessage", "timeout_after")
    working = asyncio.create_task(scene.dispatch(seconds=20))
    await scene.until_published()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert (await scene.job(target_id))["status"] == "uncertain"
    assert len(await scene.published()) == 1


async def test_an_ad_that_cannot_be_built_is_refunded_and_stops_nobody(scene: Scene) -> None:
    broken = await scene.approve()
    other = await scene.approve(channel_id=await scene.another_channel())
    await scene.database.as_owner(
        """
        WITH copied AS (
            INSERT INTO campaigns (advertiser_id, name, creative, total_budget)
            SELECT advertiser_id, name,
                creative || '{"entities": [{"type": "bold"}]}', total_budget
            FROM campaigns RETURNING id
        )
        UPDATE campaign_targets SET campaign_id = (SELECT id FROM copied) WHERE id = $1
        """,
        broken,
    )
    await scene.database.as_owner("UPDATE campaigns SET status = 'active' WHERE status = 'draft'")
    await scene.dispatch()
    await settlements.refund_due(scene.database.sessions)
    assert (await scene.job(broken))["target"] == "refunded"
    assert (await scene.job(other))["status"] == "success"


async def test_a_full_channel_makes_no_other_rest(scene: Scene) -> None:
    """Waiting for a place of one's own is no flood: the common limit is not touched."""
    full = [scene.channel_id] + [await scene.another_channel() for _ in range(3)]
    target_ids = [await scene.approve(channel_id=channel_id) for channel_id in full]
    free = await scene.approve(channel_id=await scene.another_channel())
    desk = scene.desk(lease=2, seconds=1)
    chats = {row["id"]: row["chat_id"] for row in await scene.rows("SELECT * FROM channels")}
    for channel_id in full:
        await desk.limiter.turn(chats[channel_id], within=0)
    await scene.dispatch(desk)
    assert (await scene.job(free))["status"] == "success"
    for target_id in target_ids:
        job = await scene.job(target_id)
        assert (job["status"], job["attempts"]) == ("queued", 0)
    await asyncio.sleep(1.1)
    await scene.dispatch(desk)
    assert {(await scene.job(target_id))["status"] for target_id in target_ids} == {"success"}


async def test_a_slow_send_delays_no_other(scene: Scene) -> None:
    slow = await scene.approve()
    await scene.fault("sendMessage", "slow", delay_s=2)
    desk = scene.desk()
    await dispatch.dispatch(desk)
    await scene.until_sending(slow)
    other = await scene.approve(channel_id=await scene.another_channel())
    await dispatch.dispatch(desk)
    while len(desk.under_way) > 1:
        await asyncio.wait(desk.under_way, return_when=asyncio.FIRST_COMPLETED)
    assert (await scene.job(other))["status"] == "success"
    assert (await scene.job(slow))["status"] == "sending"
    await asyncio.gather(*desk.under_way)
    assert (await scene.job(slow))["status"] == "success"


async def test_an_outcome_is_recorded_when_the_database_comes_back(scene: Scene) -> None:
    target_id = await scene.approve()
    await scene.fault("sendMessage", "slow", delay_s=0.5)
    desk = scene.desk()
    working = asyncio.create_task(scene.dispatch(desk))
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
    desk = scene.desk()
    with contextlib.suppress(DBAPIError):  # the tick itself may meet the closed door as well
        await dispatch.dispatch(desk)
    await asyncio.gather(*desk.under_way)
    assert (await scene.job(target_id))["status"] == "queued"
    await scene.dispatch()
    job = await scene.job(target_id)
    assert (job["status"], job["claim_no"], job["attempts"]) == ("success", 2, 0)
    assert len(await scene.published()) == 1


@pytest.mark.parametrize("stored", ["{}", '{"kind": "text", "text": 7}', '{"kind": "song"}'])
async def test_an_ad_that_cannot_be_read_fails_and_holds_nobody_else(
    scene: Scene, stored: str
) -> None:
    broken = await scene.approve()
    await scene.database.as_owner("ALTER TABLE campaigns ADD COLUMN whole jsonb")
    await scene.database.as_owner("UPDATE campaigns SET whole = creative, creative = $1", stored)
    await scene.dispatch()
    job = await scene.job(broken)
    assert (job["status"], job["last_error"]) == ("failed", "the stored ad cannot be read")
    await scene.database.as_owner("UPDATE campaigns SET creative = whole")
    sound = await scene.approve()
    await scene.dispatch()
    assert (await scene.job(sound))["status"] == "success"
    await settlements.refund_due(scene.database.sessions)
    assert (await scene.job(broken))["escrow"] == "refunded"
    assert len(await scene.published()) == 1
