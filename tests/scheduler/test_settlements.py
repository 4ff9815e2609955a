"""The ticks that move money, and the watchdogs: harmless twice, obedient to the switches."""

import asyncio
from datetime import timedelta

from db.models.operations import Switch
from scheduler import settlements, watchdogs
from services.market import campaigns
from services.money import deposits, wallets
from services.posts import posting
from tests.factories import one_post
from tests.scheduler.scene import Scene


async def test_releases_wait_while_payouts_are_stopped(scene: Scene) -> None:
    target_id = await scene.approve()
    await scene.dispatch()
    await scene.set_switch(Switch.PAYOUTS, enabled=False)
    await settlements.release_due(scene.database.sessions)
    assert (await scene.job(target_id))["escrow"] == "held"
    await scene.set_switch(Switch.PAYOUTS, enabled=True)
    await settlements.release_due(scene.database.sessions)
    assert (await scene.job(target_id))["escrow"] == "released"


async def test_several_processes_pay_an_owner_once(scene: Scene) -> None:
    target_ids = [await scene.approve(channel_id=await scene.another_channel()) for _ in range(3)]
    await scene.dispatch()
    await asyncio.gather(*(settlements.release_due(scene.database.sessions) for _ in range(3)))
    assert {(await scene.job(target_id))["target"] for target_id in target_ids} == {"posted"}
    transfers = await scene.rows(
        "SELECT reference_id FROM ledger_transfers WHERE reason = 'payout'"
    )
    assert sorted(row["reference_id"] for row in transfers) == sorted(target_ids)


async def test_a_payout_that_breaks_keeps_no_other_waiting(scene: Scene) -> None:
    broken = await scene.approve()
    other = await scene.approve(channel_id=await scene.another_channel())
    await scene.dispatch()
    await scene.database.as_owner(
        "UPDATE escrows SET release_due_at = release_due_at - interval '1 hour'"
        " WHERE campaign_target_id = $1",
        broken,
    )
    await scene.database.as_owner(
        f"""
        CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE 'broken on purpose'; END $$;
        CREATE TRIGGER break BEFORE UPDATE ON escrows FOR EACH ROW
            WHEN (OLD.campaign_target_id = {broken}) EXECUTE FUNCTION break();
        """
    )
    await settlements.release_due(scene.database.sessions)
    assert (await scene.job(broken))["escrow"] == "held"
    assert (await scene.job(other))["escrow"] == "released"


async def test_refunds_wait_while_they_are_stopped(scene: Scene) -> None:
    target_id = await scene.approve()
    await scene.fault("sendMessage", "error", error_code=400, description="Bad Request: no")
    await scene.dispatch()
    await scene.set_switch(Switch.REFUNDS, enabled=False)
    await settlements.refund_due(scene.database.sessions)
    assert (await scene.job(target_id))["escrow"] == "held"
    await scene.set_switch(Switch.REFUNDS, enabled=True)
    await settlements.refund_due(scene.database.sessions)
    await settlements.refund_due(scene.database.sessions)
    assert (await scene.job(target_id))["escrow"] == "refunded"


async def test_a_deposit_that_came_while_stopped_is_credited_later(scene: Scene) -> None:
    await scene.set_switch(Switch.DEPOSITS, enabled=False)
    user_id = scene.id_of("advertiser")
    async with scene.database.sessions.begin() as session:
        before = (await wallets.balances(session, user_id)).available
        await deposits.deposit(
            session, user_id=user_id, amount=700, key="late charge", source="telegram"
        )
    await settlements.credit_due(scene.database.sessions)
    await scene.set_switch(Switch.DEPOSITS, enabled=True)
    for _ in range(2):
        await settlements.credit_due(scene.database.sessions)
    async with scene.database.sessions.begin() as session:
        assert (await wallets.balances(session, user_id)).available == before + 700


async def test_money_for_a_post_that_never_went_out_goes_back(scene: Scene) -> None:
    target_id = await scene.approve()
    await scene.set_switch(Switch.WORKER_POST, enabled=False)
    sla = timedelta(hours=24)
    await watchdogs.refund_stuck_escrows(scene.database.sessions, sla)
    assert (await scene.job(target_id))["escrow"] == "held"
    await scene.database.forward(sla + timedelta(minutes=1))
    await watchdogs.refund_stuck_escrows(scene.database.sessions, sla)
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"], job["target"]) == ("failed", "refunded", "refunded")


async def test_what_a_blocked_advertiser_bought_is_cancelled_and_refunded(scene: Scene) -> None:
    target_id = await scene.approve()
    await scene.database.as_owner(
        "UPDATE users SET blocked = true WHERE id = $1", scene.id_of("advertiser")
    )
    await refunded_unseen(scene, target_id)


async def test_a_post_that_comes_back_to_a_cancelled_campaign_is_refunded(scene: Scene) -> None:
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
    """The clock cancels the post and gives the money back, and nothing goes out."""
    await watchdogs.cancel_unwanted(scene.database.sessions)
    await settlements.refund_due(scene.database.sessions)
    await scene.dispatch()
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"], job["target"]) == ("cancelled", "refunded", "refunded")
    assert await scene.published() == []


async def test_the_watchdog_never_touches_what_may_be_out(scene: Scene) -> None:
    target_id = await scene.approve()
    await scene.fault("sendMessage", "cut_after")
    await scene.dispatch()
    await scene.database.forward(timedelta(days=9))
    await watchdogs.refund_stuck_escrows(scene.database.sessions, timedelta(hours=24))
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"]) == ("uncertain", "held")


async def test_the_quiet_ticks_change_nothing(scene: Scene) -> None:
    await scene.approve()
    before = await scene.rows("SELECT * FROM post_jobs")
    for _ in range(2):
        await watchdogs.rescue_abandoned(scene.database.sessions)
        await watchdogs.expire_targets(scene.database.sessions)
        await watchdogs.cancel_unwanted(scene.database.sessions)
        await watchdogs.check_ledger(scene.database.sessions)
        await watchdogs.purge_inbox(scene.database.sessions)
    assert await scene.rows("SELECT * FROM post_jobs") == before
    checks = await scene.rows("SELECT violations FROM ledger_checkpoints")
    assert [check["violations"] for check in checks] == [0, 0]
