"""Test the periodic functions that refund, cancel and rescue stuck posts."""

from datetime import timedelta

from db.models.operations import Switch
from scheduler import settlements, watchdogs
from scheduler.retention import Retention
from services.market import campaigns
from services.posts import posting
from tests.factories import one_post
from tests.scheduler.scene import Scene


async def test_the_money_of_a_post_that_was_never_sent_is_refunded(scene: Scene) -> None:
    target_id = await scene.approve()
    await scene.set_switch(Switch.WORKER_POST, enabled=False)
    sla = timedelta(hours=24)
    await watchdogs.refund_stuck_escrows(scene.database.sessions, sla)
    assert (await scene.job(target_id))["escrow"] == "held"
    await scene.database.forward(sla + timedelta(minutes=1))
    await watchdogs.refund_stuck_escrows(scene.database.sessions, sla)
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"], job["target"]) == ("failed", "refunded", "refunded")


async def test_the_posts_of_a_blocked_advertiser_are_cancelled_and_refunded(scene: Scene) -> None:
    target_id = await scene.approve()
    await scene.database.as_owner(
        "UPDATE users SET blocked = true WHERE id = $1", scene.id_of("advertiser")
    )
    await refunded_unseen(scene, target_id)


async def test_a_released_claim_of_a_cancelled_campaign_is_refunded(scene: Scene) -> None:
    target_id = await scene.approve()
    async with scene.database.sessions.begin() as session:
        claim = await one_post.claim(session, owner="worker", lease=timedelta(seconds=30))
    assert claim is not None
    async with scene.database.sessions.begin() as session:
        await campaigns.cancel(
            session, actor=scene.actors["advertiser"], campaign_id=scene.campaign_id
        )
    async with scene.database.sessions.begin() as session:
        assert await posting.release_claim(session, claim)
    await refunded_unseen(scene, target_id)


async def refunded_unseen(scene: Scene, target_id: int) -> None:
    """Run the scheduler's functions. Assert that the post is cancelled, refunded and not sent."""
    await watchdogs.cancel_unwanted(scene.database.sessions)
    await settlements.refund_due(scene.database.sessions)
    await scene.dispatch()
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"], job["target"]) == ("cancelled", "refunded", "refunded")
    assert await scene.published() == []


async def test_the_watchdog_never_touches_a_post_that_may_be_published(scene: Scene) -> None:
    target_id = await scene.approve()
    await scene.fault("sendMessage", "cut_after")
    await scene.dispatch()
    await scene.database.forward(timedelta(days=9))
    await watchdogs.refund_stuck_escrows(scene.database.sessions, timedelta(hours=24))
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"]) == ("uncertain", "held")


async def test_ticks_without_work_change_nothing(scene: Scene) -> None:
    await scene.approve()
    before = await scene.rows("SELECT * FROM post_jobs")
    for _ in range(2):
        await watchdogs.rescue_abandoned(scene.database.sessions)
        await watchdogs.expire_targets(scene.database.sessions)
        await watchdogs.cancel_unwanted(scene.database.sessions)
        await watchdogs.check_ledger(scene.database.sessions)
        await Retention(scene.database.sessions, timedelta(days=90)).run()
    assert await scene.rows("SELECT * FROM post_jobs") == before
    checks = await scene.rows("SELECT violations FROM ledger_checkpoints")
    assert [check["violations"] for check in checks] == [0, 0]
