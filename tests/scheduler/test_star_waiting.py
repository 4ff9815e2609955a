"""Test payments in Telegram's list of Stars whose payers are unknown to the bot."""

from datetime import timedelta

import pytest
from aiogram import Bot

from db.session import Sessions
from scheduler.star_reconciliation import OVERLAP, PAGE, StarReconciliation
from services.market import registration
from services.money import withdrawals
from services.platform import errors, inbox
from services.platform.actors import Actor
from tests.factories import payments, people
from tests.scheduler import star_list
from tests.scheduler.scene import Scene


async def test_a_payment_by_an_unknown_person_waits_until_the_person_is_known(
    scene: Scene, bot: Bot, of_logins: tuple[Sessions, Sessions]
) -> None:
    charge_id = await star_list.pay(scene, f"topup:1:{star_list.AMOUNT}:XTR:x")
    reconciliation = StarReconciliation(of_logins[0], bot, of_logins[1])
    for _ in range(2):
        await reconciliation.run()
        assert await star_list.value(scene, "SELECT array_agg(lane) FROM inbox") == [
            scene.world.ids["admin"]
        ]
        assert await star_list.value(scene, star_list.POSITION) == 1
        assert await star_list.unbooked(scene) == [charge_id]
    async with scene.database.sessions.begin() as session:
        await registration.register(
            session, telegram_id=scene.world.ids["admin"], language="en", currency="XTR"
        )
    await reconciliation.run()
    assert await star_list.value(scene, star_list.STATUS, charge=charge_id) == "credited"
    assert await star_list.value(scene, star_list.UNCOMPARED) == 0
    assert await star_list.value(scene, star_list.POSITION) == 1
    assert await star_list.value(scene, star_list.TOLD) == 0
    assert await star_list.unbooked(scene) == []


async def test_a_payment_that_waits_for_its_payer_delays_nobody(
    scene: Scene, bot: Bot, payer: int
) -> None:
    """Check that later payments are credited, and that another person's withdrawal is approved."""
    stranger = await scene.world.control("users", first_name="Stranger")
    (waiting,) = star_list.list_payments(scene, payer, 1, by=stranger["id"])
    star_list.list_payments(scene, payer, PAGE + OVERLAP)
    reconciliation = StarReconciliation(scene.database.sessions, bot)
    await reconciliation.run()
    assert await star_list.value(scene, star_list.UNCOMPARED) == 0
    credited = "SELECT count(*) FROM deposits WHERE status = 'credited' AND user_id = :id"
    assert await star_list.value(scene, credited, id=payer) == PAGE + OVERLAP
    async with scene.database.sessions.begin() as session:
        admin = await people.staff(session)
        asked = await withdrawals.request(
            session, actor=Actor(payer), amount=star_list.AMOUNT, key="form"
        )
    await scene.database.forward(timedelta(minutes=6))
    await reconciliation.run()
    async with scene.database.sessions.begin() as session:
        await withdrawals.approve(session, actor=admin, withdrawal_id=asked.id)
    assert await star_list.unbooked(scene) == [waiting]
    assert await star_list.value(scene, "SELECT count(*) FROM inbox WHERE done_at IS NULL") == 1
    async with scene.database.sessions.begin() as session:
        person = await registration.register(
            session, telegram_id=stranger["id"], language="en", currency="XTR"
        )
        await payments.deposit(
            session,
            user_id=person.id,
            amount=star_list.AMOUNT,
            key=waiting,
            source="stars",
            currency="XTR",
        )
        asked = await withdrawals.request(
            session, actor=Actor(person.id), amount=star_list.AMOUNT, key="other form"
        )
    with pytest.raises(errors.NotCompared):
        async with scene.database.sessions.begin() as session:
            await withdrawals.approve(session, actor=admin, withdrawal_id=asked.id)
    await reconciliation.run()
    async with scene.database.sessions.begin() as session:
        await withdrawals.approve(session, actor=admin, withdrawal_id=asked.id)
    assert await star_list.unbooked(scene) == []


async def test_a_payment_by_an_unknown_person_is_told_once_if_its_update_is_parked(
    scene: Scene, bot: Bot
) -> None:
    await star_list.pay(scene, f"topup:1:{star_list.AMOUNT}:XTR:x")
    reconciliation = StarReconciliation(scene.database.sessions, bot)
    await reconciliation.run()
    async with scene.database.sessions.begin() as session:
        [update] = await inbox.claim(session, limit=1)
        await inbox.park(session, id=update.id, error="TypeError")
    for _ in range(2):
        await reconciliation.run()
        assert await star_list.value(scene, star_list.POSITION) == 1
        assert await star_list.value(scene, star_list.TOLD) == 1


async def test_a_payment_by_an_unknown_person_that_differs_from_its_invoice_is_told(
    scene: Scene, bot: Bot
) -> None:
    await star_list.pay(scene, "topup:1:7:XTR:x")
    await StarReconciliation(scene.database.sessions, bot).run()
    assert await star_list.value(scene, star_list.TOLD) == 1
    assert await star_list.value(scene, "SELECT count(*) FROM inbox") == 0
