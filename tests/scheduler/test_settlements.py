"""Test the periodic functions that pay owners, refund advertisers and credit deposits."""

import asyncio

from db.models.operations import Switch
from scheduler import settlements
from services.money import wallets
from tests.factories import payments
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


async def test_a_payout_that_fails_delays_no_other(scene: Scene) -> None:
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


async def test_a_deposit_that_came_while_deposits_were_stopped_is_credited_later(
    scene: Scene,
) -> None:
    await scene.set_switch(Switch.DEPOSITS, enabled=False)
    user_id = scene.id_of("advertiser")
    async with scene.database.sessions.begin() as session:
        before = (await wallets.balances(session, user_id)).available
        await payments.deposit(
            session, user_id=user_id, amount=700, key="late charge", source="telegram"
        )
    await settlements.credit_due(scene.database.sessions)
    await scene.set_switch(Switch.DEPOSITS, enabled=True)
    for _ in range(2):
        await settlements.credit_due(scene.database.sessions)
    async with scene.database.sessions.begin() as session:
        assert (await wallets.balances(session, user_id)).available == before + 700
