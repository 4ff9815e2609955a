"""Test the comparison of deposits with Telegram's list of payments in Stars."""

from datetime import timedelta

import pytest
import structlog
from aiogram import Bot
from aiogram.types import StarTransactions
from sqlalchemy.exc import DBAPIError

from db.models.users import Role
from db.session import Sessions
from scheduler.star_reconciliation import OVERLAP, PAGE, StarReconciliation
from services.money import incidents
from tests.factories import breakage, payments, people
from tests.scheduler import star_list
from tests.scheduler.scene import Scene


async def test_a_payment_and_a_refund_without_updates_are_recorded(
    scene: Scene, bot: Bot, payer: int, of_logins: tuple[Sessions, Sessions]
) -> None:
    charge_id = await star_list.pay(scene, f"topup:{payer}:{star_list.AMOUNT}:XTR:x")
    clock, intake = of_logins
    reconciliation = StarReconciliation(clock, bot, intake)
    for _ in range(2):
        await reconciliation.run()
        assert await star_list.value(scene, star_list.STATUS, charge=charge_id) == "credited"
    await bot.refund_star_payment(scene.world.ids["admin"], charge_id)
    await reconciliation.run()
    await StarReconciliation(clock, bot, intake).run()
    assert await star_list.value(scene, star_list.STATUS, charge=charge_id) == "clawed_back"
    assert await star_list.value(scene, "SELECT count(*) FROM clawbacks") == 1
    compared = "SELECT refund_comparison FROM deposits WHERE external_reference = :charge"
    assert await star_list.value(scene, compared, charge=charge_id) == "listed"


async def test_a_payment_that_differs_from_its_invoice_is_told_once(
    scene: Scene, bot: Bot, payer: int
) -> None:
    charge_id = await star_list.pay(scene, f"topup:{payer}:7:XTR:x")
    for _ in range(2):
        await StarReconciliation(scene.database.sessions, bot).run()
    assert await star_list.value(scene, star_list.TOLD) == 1
    unknown = "SELECT count(*) FROM deposits WHERE external_reference = :charge"
    assert await star_list.value(scene, unknown, charge=charge_id) == 0


async def test_a_deposit_that_telegram_does_not_list_stops_withdrawals(
    scene: Scene, bot: Bot, payer: int
) -> None:
    await star_list.pay(scene, f"topup:{payer}:{star_list.AMOUNT}:XTR:x")
    reconciliation = StarReconciliation(scene.database.sessions, bot)
    await reconciliation.run()
    await scene.database.forward(timedelta(minutes=2))
    await reconciliation.run()
    assert await star_list.value(scene, star_list.RUNNING)
    async with scene.database.sessions.begin() as session:
        await payments.deposit(
            session, user_id=payer, amount=9_999, key="invented", source="stars", currency="XTR"
        )
    await scene.database.forward(timedelta(minutes=2))
    await reconciliation.run()
    assert not await star_list.value(scene, star_list.RUNNING)
    async with scene.database.sessions.begin() as session:
        [incident] = await incidents.open_incidents(session)
        operator = await people.staff(session, Role.SUPER_ADMIN)
        await breakage.close_incident(session, operator, incident.id)
        await payments.deposit(
            session, user_id=payer, amount=1_111, key="invented too", source="stars", currency="XTR"
        )
    for restarted in (reconciliation, StarReconciliation(scene.database.sessions, bot)):
        await restarted.run()
        assert await star_list.value(scene, star_list.OPEN_INCIDENTS) == 0
    result = "SELECT comparison FROM deposits WHERE external_reference = :charge"
    assert await star_list.value(scene, result, charge="invented") == "accepted"
    assert await star_list.value(scene, result, charge="invented too") is None
    await scene.database.forward(timedelta(minutes=2))
    await reconciliation.run()
    named = "SELECT jsonb_array_length(details->'deposit_unknown_to_telegram') FROM incidents"
    assert await star_list.value(scene, star_list.OPEN_INCIDENTS) == 1
    assert await star_list.value(scene, f"{named} WHERE closed_at IS NULL") == 1


@pytest.mark.parametrize("refunded", [False, True])
async def test_a_deposit_of_another_person_than_telegram_lists_stops_withdrawals(
    scene: Scene, bot: Bot, payer: int, *, refunded: bool
) -> None:
    charge_id = await star_list.pay(scene, f"topup:{payer}:{star_list.AMOUNT}:XTR:x")
    async with scene.database.sessions.begin() as session:
        other = await people.person(session, currency="XTR")
        await payments.deposit(
            session,
            user_id=other.user_id or 0,
            amount=star_list.AMOUNT,
            key=charge_id,
            source="stars",
            currency="XTR",
        )
    if refunded:
        await bot.refund_star_payment(scene.world.ids["admin"], charge_id)
    await scene.database.forward(timedelta(minutes=2))
    for _ in range(2):
        await StarReconciliation(scene.database.sessions, bot).run()
    assert not await star_list.value(scene, star_list.RUNNING)
    assert await star_list.value(scene, star_list.STATUS, charge=charge_id) == "credited"
    assert await star_list.value(scene, star_list.UNCOMPARED) == 1
    told = (
        "SELECT count(*) FROM outbox WHERE payload ->> 'error' LIKE 'PaymentMismatch(%payment by%'"
    )
    assert await star_list.value(scene, told) == 1 + refunded


async def test_a_restart_reads_only_what_is_new(scene: Scene, bot: Bot, payer: int) -> None:
    first = await star_list.pay(scene, f"topup:{payer}:{star_list.AMOUNT}:XTR:x")
    await StarReconciliation(scene.database.sessions, bot).run()
    assert await star_list.value(scene, star_list.POSITION) == 1
    offsets = star_list.record_offsets(bot)
    second = await star_list.pay(scene, f"topup:{payer}:{star_list.AMOUNT}:XTR:y")
    await StarReconciliation(scene.database.sessions, bot).run()
    assert offsets == [0]
    assert await star_list.value(scene, star_list.POSITION) == 2
    for charge_id in (first, second):
        result = "SELECT comparison FROM deposits WHERE external_reference = :charge"
        assert await star_list.value(scene, result, charge=charge_id) == "listed"


async def test_late_transactions_before_read_ones_are_recorded_once(
    scene: Scene, bot: Bot, payer: int
) -> None:
    """Check a payment and a refund that Telegram lists before transactions that were read."""
    refunded = await star_list.pay(scene, f"topup:{payer}:{star_list.AMOUNT}:XTR:a")
    star_list.list_payments(scene, payer, OVERLAP - 2)
    await StarReconciliation(scene.database.sessions, bot).run()
    assert await star_list.value(scene, star_list.POSITION) == OVERLAP - 1
    first = scene.world.state.payments[refunded]
    late = await star_list.pay(scene, f"topup:{payer}:{star_list.AMOUNT}:XTR:b")
    scene.world.state.payments[late].date = first.date - 1
    await bot.refund_star_payment(scene.world.ids["admin"], refunded)
    first.refunded_at, first.refund_number = first.date, first.number
    for _ in range(3):
        await StarReconciliation(scene.database.sessions, bot).run()
        assert await star_list.value(scene, star_list.POSITION) == OVERLAP + 1
        assert await star_list.value(scene, star_list.STATUS, charge=late) == "credited"
        assert await star_list.value(scene, star_list.STATUS, charge=refunded) == "clawed_back"
        assert (
            await star_list.value(scene, "SELECT count(*) FROM deposits WHERE currency = 'XTR'")
            == OVERLAP
        )
        assert await star_list.value(scene, "SELECT count(*) FROM clawbacks") == 1
        assert await star_list.value(scene, star_list.UNCOMPARED) == 0
    told = "SELECT count(*) FROM outbox WHERE kind = 'deposit_credited'"
    assert await star_list.value(scene, told) == OVERLAP


async def test_nothing_new_costs_one_request(scene: Scene, bot: Bot, payer: int) -> None:
    """Check a list that fills a page, and ends with a transaction that could not be recorded."""
    star_list.list_payments(scene, payer, PAGE - 1)
    refused = await star_list.pay(scene, f"topup:{payer}:7:XTR:x")
    await StarReconciliation(scene.database.sessions, bot).run()
    assert await star_list.value(scene, star_list.POSITION) == PAGE
    offsets = star_list.record_offsets(bot)
    with structlog.testing.capture_logs() as logs:
        await StarReconciliation(scene.database.sessions, bot).run()
    assert offsets == [PAGE - OVERLAP]
    assert logs == []
    told = "SELECT count(*) FROM outbox WHERE payload ->> 'charge_id' = :charge"
    assert await star_list.value(scene, told, charge=refused) == 1


@pytest.mark.parametrize("kept", [0, 5, OVERLAP + 6])
async def test_a_list_that_lost_old_transactions_is_read_again(
    scene: Scene, bot: Bot, payer: int, kept: int
) -> None:
    """Check that a transaction is recorded although its position in the list was read before.

    At most 5 transactions of the first reading are left, so the list is read from the beginning.
    """
    charges = star_list.list_payments(scene, payer, OVERLAP + 10)
    await StarReconciliation(scene.database.sessions, bot).run()
    for charge in charges[: len(charges) - kept]:
        del scene.world.state.payments[charge]
    for count in (1, OVERLAP + 4):
        added = star_list.list_payments(scene, payer, count)
        await StarReconciliation(scene.database.sessions, bot).run()
        for charge in added:
            assert await star_list.value(scene, star_list.STATUS, charge=charge) == "credited"
    assert await star_list.value(scene, star_list.POSITION) == kept + 1 + OVERLAP + 4
    assert await star_list.value(scene, star_list.UNCOMPARED) == 0
    assert await star_list.value(scene, star_list.OPEN_INCIDENTS) == 0


async def test_a_transaction_that_was_not_recorded_is_recorded_by_the_next_run(
    scene: Scene, bot: Bot, payer: int
) -> None:
    charge_id = await star_list.pay(scene, f"topup:{payer}:{star_list.AMOUNT}:XTR:x")
    await scene.database.as_owner("REVOKE INSERT ON outbox FROM adtech_bot, adtech_clock")
    reconciliation = StarReconciliation(scene.database.sessions, bot)
    with pytest.raises(DBAPIError):
        await reconciliation.run()
    assert await star_list.value(scene, star_list.POSITION) == 1
    assert await star_list.value(scene, "SELECT read_at FROM star_list_positions") is None
    await scene.database.as_owner("GRANT INSERT ON outbox TO adtech_bot, adtech_clock")
    await StarReconciliation(scene.database.sessions, bot).run()
    assert await star_list.value(scene, star_list.STATUS, charge=charge_id) == "credited"


async def test_another_bot_reads_its_own_list_from_the_beginning(
    scene: Scene, bot: Bot, payer: int
) -> None:
    await scene.database.as_owner(
        "INSERT INTO star_list_positions (bot_id, position, read_at) VALUES (1, 500, clock())"
    )
    async with scene.database.sessions.begin() as session:
        await payments.deposit(
            session, user_id=payer, amount=7, key="of the other bot", source="stars", currency="XTR"
        )
    await scene.database.as_owner("UPDATE deposits SET created_at = created_at - interval '1 day'")
    await star_list.pay(scene, f"topup:{payer}:{star_list.AMOUNT}:XTR:x")
    await StarReconciliation(scene.database.sessions, bot).run()
    result = "SELECT comparison FROM deposits WHERE external_reference = 'of the other bot'"
    assert await star_list.value(scene, result) == "not_covered"
    assert await star_list.value(scene, star_list.OPEN_INCIDENTS) == 0
    positions = "SELECT array_agg(position ORDER BY position) FROM star_list_positions"
    assert await star_list.value(scene, positions) == [1, 500]


async def test_a_deposit_that_is_newer_than_the_list_raises_no_alarm(
    scene: Scene, bot: Bot, payer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check that a deposit opens no incident if it arrives after the list was read."""
    await star_list.pay(scene, f"topup:{payer}:{star_list.AMOUNT}:XTR:x")
    read_list = Bot.get_star_transactions

    async def read_and_pause(self: Bot, **arguments: int) -> StarTransactions:
        answer = await read_list(self, **arguments)
        charge_id = await star_list.pay(scene, f"topup:{payer}:{star_list.AMOUNT}:XTR:y")
        async with scene.database.sessions.begin() as session:
            await payments.deposit(
                session,
                user_id=payer,
                amount=star_list.AMOUNT,
                key=charge_id,
                source="stars",
                currency="XTR",
            )
        await scene.database.forward(timedelta(minutes=2))
        return answer

    monkeypatch.setattr(Bot, "get_star_transactions", read_and_pause)
    reconciliation = StarReconciliation(scene.database.sessions, bot)
    await reconciliation.run()
    monkeypatch.undo()
    await reconciliation.run()
    assert await star_list.value(scene, star_list.OPEN_INCIDENTS) == 0
