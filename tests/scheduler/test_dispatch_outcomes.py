"""Test how each outcome of a send changes the post and its money (test INT-PJ-01)."""

import pytest

from scheduler import dispatch, settlements, watchdogs
from tests.scheduler.scene import AD, Scene

TICKS_AFTER = 2


async def run_next_ticks(scene: Scene) -> None:
    """Run the periodic work for posts and money two times, as another worker."""
    posting_worker = scene.posting_worker(owner="another worker")
    for _ in range(TICKS_AFTER):
        await scene.dispatch(posting_worker)
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
    await run_next_ticks(scene)
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
    await run_next_ticks(scene)
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
async def test_a_post_that_may_be_published_is_uncertain_and_never_sent_again(
    scene: Scene, kind: str, messages: int, more: dict[str, object]
) -> None:
    target_id = await scene.approve()
    await scene.fault("sendMessage", kind, **more)
    await scene.dispatch(seconds=1)
    assert len(await scene.published()) == messages
    await run_next_ticks(scene)
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
    posting_worker = scene.posting_worker()
    await scene.dispatch(posting_worker)
    job = await scene.job(target_id)
    assert (job["status"], job["attempts"], job["waits"]) == ("queued", 0, True)
    assert 28 < await posting_worker.limiter.wait(scene.world.ids["channel"], within=0) <= 30
    assert await scene.published() == []


@pytest.mark.parametrize("code", [401, 404, 409])
async def test_an_error_about_the_bot_stops_posting(scene: Scene, code: int) -> None:
    first = await scene.approve()
    await scene.fault("sendMessage", "error", error_code=code, description="Unauthorized")
    await scene.dispatch()
    [switch] = await scene.rows(
        "SELECT enabled, reason FROM kill_switches WHERE key = 'telegram_posting'"
    )
    assert not switch["enabled"]
    assert str(code) in switch["reason"]
    assert (await scene.job(first))["status"] == "queued"
    notices = await scene.rows("SELECT payload FROM outbox WHERE kind = 'switch_changed'")
    assert notices[-1]["payload"]["key"] == "telegram_posting"
    await run_next_ticks(scene)
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
    posting_worker = scene.posting_worker(api_url="http://127.0.0.1:1")
    await scene.dispatch(posting_worker)
    jobs = [await scene.job(target_id) for target_id in target_ids]
    assert {job["status"] for job in jobs} == {"queued"}
    assert posting_worker.breaker.open
    spent = sum(job["attempts"] for job in jobs)
    assert spent <= dispatch.MAX_POSTS_UNDER_WAY
    await scene.dispatch(posting_worker)
    assert sum([(await scene.job(t))["attempts"] for t in target_ids]) == spent


@pytest.mark.parametrize(
    ("code", "description"),
    [(400, "Bad Request: chat not found"), (400, "Bad Request: CHANNEL_PRIVATE")],
)
async def test_a_channel_that_is_gone_is_suspended_and_its_post_is_refunded(
    scene: Scene, code: int, description: str
) -> None:
    target_id = await scene.approve()
    await scene.fault("sendMessage", "error", error_code=code, description=description)
    await scene.dispatch()
    await settlements.refund_due(scene.database.sessions)
    assert (await scene.job(target_id))["target"] == "refunded"
    [channel] = await scene.rows("SELECT status, status_reason FROM channels")
    assert channel == {"status": "suspended", "status_reason": "channel_gone"}
    told = await scene.rows("SELECT user_id FROM outbox WHERE kind = 'channel_suspended'")
    assert {row["user_id"] for row in told} == {scene.id_of("owner"), None}
