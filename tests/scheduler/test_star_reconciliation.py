"""Test the comparison of deposits with Telegram's list of payments in Stars."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import structlog
from aiogram import Bot
from aiogram.methods import GetStarTransactions
from aiogram.types import StarTransactions
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.models.users import Role
from db.session import Sessions, create_engine, create_sessions
from sandbox import embedded, logins
from sandbox.entities import Payment
from scheduler.star_reconciliation import OVERLAP, PAGE, StarReconciliation
from services.market import registration
from services.money import incidents
from services.platform import inbox
from tests.factories import payments, people, presses
from tests.scheduler.scene import Scene

AMOUNT = 500
RUNNING = "SELECT EXISTS (SELECT FROM running_switches WHERE key = 'withdrawals') AS enabled"
POSITION = "SELECT position FROM star_list_positions"
STATUS = "SELECT status FROM deposits WHERE external_reference = :charge"
UNCOMPARED = "SELECT count(*) FROM deposits WHERE currency = 'XTR' AND comparison IS NULL"
TOLD = "SELECT count(*) FROM outbox WHERE kind = 'star_transaction_refused'"
OPEN_INCIDENTS = "SELECT count(*) FROM incidents WHERE closed_at IS NULL"


@pytest.fixture
async def bot(scene: Scene) -> Bot:
    """Return a bot that calls the sandbox."""
    return scene.outbox_worker().bot


@pytest.fixture
async def payer(scene: Scene) -> int:
    """Register a person with a wallet in Stars, and return the person's id."""
    async with scene.database.sessions.begin() as session:
        person = await registration.register(
            session, telegram_id=scene.world.ids["admin"], language="en", currency="XTR"
        )
        return person.id


@pytest.fixture
async def of_logins(
    server: embedded.Postgres, scene: Scene
) -> AsyncIterator[tuple[Sessions, Sessions]]:
    """Return the sessions of the logins `clock` and `intake`."""
    name = scene.database.url.partition("@/")[2].partition("?")[0]
    engines = [create_engine(server.dsn(login, name)) for login in (logins.CLOCK, logins.INTAKE)]
    yield create_sessions(engines[0]), create_sessions(engines[1])
    for engine in engines:
        await engine.dispose()


async def _value(scene: Scene, sql: str, **values: str) -> Any:
    """Run a query with one row and one value, and return the value."""
    async with scene.database.sessions.begin() as session:
        return (await session.execute(text(sql), values)).scalar_one()


def _record_offsets(bot: Bot) -> list[int | None]:
    """Return a list to which each later `getStarTransactions` call adds its offset."""
    offsets: list[int | None] = []

    async def record(send: Any, caller: Bot, method: Any) -> Any:
        if isinstance(method, GetStarTransactions):
            offsets.append(method.offset)
        return await send(caller, method)

    bot.session.middleware(record)  # type: ignore[arg-type]  # aiogram asks for a named protocol
    return offsets


async def _pay(scene: Scene, payload: str) -> str:
    """Let a person pay without an update, and return Telegram's id of the payment."""
    person = scene.world.ids["admin"]
    await scene.world.control(f"users/{person}/send", chat_id=person, text="/start")
    await scene.world.call(
        "sendInvoice",
        chat_id=person,
        title="Top-up",
        description="Top-up",
        payload=payload,
        provider_token="",
        currency="XTR",
        prices=[{"label": "Top-up", "amount": AMOUNT}],
    )
    await scene.world.updates()
    paying = asyncio.create_task(scene.world.control(f"users/{person}/pay"))
    [update] = await scene.world.call("getUpdates", timeout=5)
    query_id = update["pre_checkout_query"]["id"]
    await scene.world.call("answerPreCheckoutQuery", pre_checkout_query_id=query_id, ok=True)
    paid = await paying
    await scene.world.updates()
    charge_id: str = paid["telegram_payment_charge_id"]
    return charge_id


def _list_payments(scene: Scene, payer: int, count: int) -> list[str]:
    """Add payments without updates to Telegram's list, and return their charge ids."""
    state, charges = scene.world.state, [f"charge-{people.number()}" for _ in range(count)]
    for charge in charges:
        payment = Payment(
            charge,
            scene.world.ids["admin"],
            "XTR",
            AMOUNT,
            f"topup:{payer}:{AMOUNT}:XTR:x",
            state.now(),
            number=state.next_number("payments"),
        )
        state.save_payment(payment)
    return charges


async def test_a_payment_and_a_refund_without_updates_are_recorded(
    scene: Scene, bot: Bot, payer: int, of_logins: tuple[Sessions, Sessions]
) -> None:
    charge_id = await _pay(scene, f"topup:{payer}:{AMOUNT}:XTR:x")
    clock, intake = of_logins
    reconciliation = StarReconciliation(clock, bot, intake)
    for _ in range(2):
        await reconciliation.run()
        assert await _value(scene, STATUS, charge=charge_id) == "credited"
    await bot.refund_star_payment(scene.world.ids["admin"], charge_id)
    await reconciliation.run()
    await StarReconciliation(clock, bot, intake).run()
    assert await _value(scene, STATUS, charge=charge_id) == "clawed_back"
    assert await _value(scene, "SELECT count(*) FROM clawbacks") == 1


async def test_a_payment_that_differs_from_its_invoice_is_told_once(
    scene: Scene, bot: Bot, payer: int
) -> None:
    charge_id = await _pay(scene, f"topup:{payer}:7:XTR:x")
    for _ in range(2):
        await StarReconciliation(scene.database.sessions, bot).run()
    assert await _value(scene, TOLD) == 1
    unknown = "SELECT count(*) FROM deposits WHERE external_reference = :charge"
    assert await _value(scene, unknown, charge=charge_id) == 0


async def test_a_deposit_that_telegram_does_not_list_stops_withdrawals(
    scene: Scene, bot: Bot, payer: int
) -> None:
    await _pay(scene, f"topup:{payer}:{AMOUNT}:XTR:x")
    reconciliation = StarReconciliation(scene.database.sessions, bot)
    await reconciliation.run()
    await scene.database.forward(timedelta(minutes=2))
    await reconciliation.run()
    assert await _value(scene, RUNNING)
    async with scene.database.sessions.begin() as session:
        await payments.deposit(
            session, user_id=payer, amount=9_999, key="invented", source="stars", currency="XTR"
        )
    await scene.database.forward(timedelta(minutes=2))
    await reconciliation.run()
    assert not await _value(scene, RUNNING)
    async with scene.database.sessions.begin() as session:
        [incident] = await incidents.open_incidents(session)
        await incidents.check_ledger_invariant(session)
        operator = await people.staff(session, Role.SUPER_ADMIN)
        press = await presses.close_incident(session, operator, incident.id)
        await incidents.close_incident(session, actor=press, incident_id=incident.id)
        await payments.deposit(
            session, user_id=payer, amount=1_111, key="invented too", source="stars", currency="XTR"
        )
    for restarted in (reconciliation, StarReconciliation(scene.database.sessions, bot)):
        await restarted.run()
        assert await _value(scene, OPEN_INCIDENTS) == 0
    result = "SELECT comparison FROM deposits WHERE external_reference = :charge"
    assert await _value(scene, result, charge="invented") == "accepted"
    assert await _value(scene, result, charge="invented too") is None
    await scene.database.forward(timedelta(minutes=2))
    await reconciliation.run()
    named = "SELECT jsonb_array_length(details->'deposit_unknown_to_telegram') FROM incidents"
    assert await _value(scene, OPEN_INCIDENTS) == 1
    assert await _value(scene, f"{named} WHERE closed_at IS NULL") == 1


@pytest.mark.parametrize("refunded", [False, True])
async def test_a_deposit_of_another_person_than_telegram_lists_stops_withdrawals(
    scene: Scene, bot: Bot, payer: int, *, refunded: bool
) -> None:
    charge_id = await _pay(scene, f"topup:{payer}:{AMOUNT}:XTR:x")
    async with scene.database.sessions.begin() as session:
        other = await people.person(session, currency="XTR")
        await payments.deposit(
            session,
            user_id=other.user_id or 0,
            amount=AMOUNT,
            key=charge_id,
            source="stars",
            currency="XTR",
        )
    if refunded:
        await bot.refund_star_payment(scene.world.ids["admin"], charge_id)
    await scene.database.forward(timedelta(minutes=2))
    for _ in range(2):
        await StarReconciliation(scene.database.sessions, bot).run()
    assert not await _value(scene, RUNNING)
    assert await _value(scene, STATUS, charge=charge_id) == "credited"
    assert await _value(scene, UNCOMPARED) == 1
    told = (
        "SELECT count(*) FROM outbox WHERE payload ->> 'error' LIKE 'PaymentMismatch(%payment by%'"
    )
    assert await _value(scene, told) == 1 + refunded


async def test_a_restart_reads_only_what_is_new(scene: Scene, bot: Bot, payer: int) -> None:
    first = await _pay(scene, f"topup:{payer}:{AMOUNT}:XTR:x")
    await StarReconciliation(scene.database.sessions, bot).run()
    assert await _value(scene, POSITION) == 1
    offsets = _record_offsets(bot)
    second = await _pay(scene, f"topup:{payer}:{AMOUNT}:XTR:y")
    await StarReconciliation(scene.database.sessions, bot).run()
    assert offsets == [0]
    assert await _value(scene, POSITION) == 2
    for charge_id in (first, second):
        result = "SELECT comparison FROM deposits WHERE external_reference = :charge"
        assert await _value(scene, result, charge=charge_id) == "listed"


async def test_late_transactions_before_read_ones_are_recorded_once(
    scene: Scene, bot: Bot, payer: int
) -> None:
    """Check a payment and a refund that Telegram lists before transactions that were read."""
    refunded = await _pay(scene, f"topup:{payer}:{AMOUNT}:XTR:a")
    _list_payments(scene, payer, OVERLAP - 2)
    await StarReconciliation(scene.database.sessions, bot).run()
    assert await _value(scene, POSITION) == OVERLAP - 1
    first = scene.world.state.payments[refunded]
    late = await _pay(scene, f"topup:{payer}:{AMOUNT}:XTR:b")
    scene.world.state.payments[late].date = first.date - 1
    await bot.refund_star_payment(scene.world.ids["admin"], refunded)
    first.refunded_at, first.refund_number = first.date, first.number
    for _ in range(3):
        await StarReconciliation(scene.database.sessions, bot).run()
        assert await _value(scene, POSITION) == OVERLAP + 1
        assert await _value(scene, STATUS, charge=late) == "credited"
        assert await _value(scene, STATUS, charge=refunded) == "clawed_back"
        assert (
            await _value(scene, "SELECT count(*) FROM deposits WHERE currency = 'XTR'") == OVERLAP
        )
        assert await _value(scene, "SELECT count(*) FROM clawbacks") == 1
        assert await _value(scene, UNCOMPARED) == 0
    told = "SELECT count(*) FROM outbox WHERE kind = 'deposit_credited'"
    assert await _value(scene, told) == OVERLAP


async def test_nothing_new_costs_one_request(scene: Scene, bot: Bot, payer: int) -> None:
    """Check a list that fills a page, and ends with a transaction that could not be recorded."""
    _list_payments(scene, payer, PAGE - 1)
    refused = await _pay(scene, f"topup:{payer}:7:XTR:x")
    await StarReconciliation(scene.database.sessions, bot).run()
    assert await _value(scene, POSITION) == PAGE
    offsets = _record_offsets(bot)
    with structlog.testing.capture_logs() as logs:
        await StarReconciliation(scene.database.sessions, bot).run()
    assert offsets == [PAGE - OVERLAP]
    assert logs == []
    told = "SELECT count(*) FROM outbox WHERE payload ->> 'charge_id' = :charge"
    assert await _value(scene, told, charge=refused) == 1


@pytest.mark.parametrize("kept", [0, 5, OVERLAP + 6])
async def test_a_list_that_lost_old_transactions_is_read_again(
    scene: Scene, bot: Bot, payer: int, kept: int
) -> None:
    """Check that a transaction is recorded whose place was read before, as another transaction's.

    At most 5 transactions of the first reading are left, so the list is read from the beginning.
    """
    charges = _list_payments(scene, payer, OVERLAP + 10)
    await StarReconciliation(scene.database.sessions, bot).run()
    for charge in charges[: len(charges) - kept]:
        del scene.world.state.payments[charge]
    for count in (1, OVERLAP + 4):
        added = _list_payments(scene, payer, count)
        await StarReconciliation(scene.database.sessions, bot).run()
        for charge in added:
            assert await _value(scene, STATUS, charge=charge) == "credited"
    assert await _value(scene, POSITION) == kept + 1 + OVERLAP + 4
    assert await _value(scene, UNCOMPARED) == 0
    assert await _value(scene, OPEN_INCIDENTS) == 0


async def test_a_page_that_was_not_recorded_is_read_again(
    scene: Scene, bot: Bot, payer: int
) -> None:
    charge_id = await _pay(scene, f"topup:{payer}:{AMOUNT}:XTR:x")
    await scene.database.as_owner("REVOKE INSERT ON outbox FROM adtech_bot, adtech_clock")
    reconciliation = StarReconciliation(scene.database.sessions, bot)
    with pytest.raises(DBAPIError):
        await reconciliation.run()
    assert await _value(scene, POSITION) == 0
    assert await _value(scene, "SELECT read_at FROM star_list_positions") is None
    await scene.database.as_owner("GRANT INSERT ON outbox TO adtech_bot, adtech_clock")
    await StarReconciliation(scene.database.sessions, bot).run()
    assert await _value(scene, STATUS, charge=charge_id) == "credited"


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
    await _pay(scene, f"topup:{payer}:{AMOUNT}:XTR:x")
    await StarReconciliation(scene.database.sessions, bot).run()
    result = "SELECT comparison FROM deposits WHERE external_reference = 'of the other bot'"
    assert await _value(scene, result) == "not_covered"
    assert await _value(scene, OPEN_INCIDENTS) == 0
    positions = "SELECT array_agg(position ORDER BY position) FROM star_list_positions"
    assert await _value(scene, positions) == [1, 500]


async def test_a_deposit_that_is_newer_than_the_list_raises_no_alarm(
    scene: Scene, bot: Bot, payer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check that a deposit opens no incident if it arrives after the list was read."""
    await _pay(scene, f"topup:{payer}:{AMOUNT}:XTR:x")
    read_list = Bot.get_star_transactions

    async def read_and_pause(self: Bot, **arguments: int) -> StarTransactions:
        answer = await read_list(self, **arguments)
        charge_id = await _pay(scene, f"topup:{payer}:{AMOUNT}:XTR:y")
        async with scene.database.sessions.begin() as session:
            await payments.deposit(
                session, user_id=payer, amount=AMOUNT, key=charge_id, source="stars", currency="XTR"
            )
        await scene.database.forward(timedelta(minutes=2))
        return answer

    monkeypatch.setattr(Bot, "get_star_transactions", read_and_pause)
    reconciliation = StarReconciliation(scene.database.sessions, bot)
    await reconciliation.run()
    monkeypatch.undo()
    await reconciliation.run()
    assert await _value(scene, OPEN_INCIDENTS) == 0


async def test_a_payment_by_an_unknown_person_waits_until_the_person_is_known(
    scene: Scene, bot: Bot, of_logins: tuple[Sessions, Sessions]
) -> None:
    charge_id = await _pay(scene, f"topup:1:{AMOUNT}:XTR:x")
    reconciliation = StarReconciliation(of_logins[0], bot, of_logins[1])
    for _ in range(2):
        await reconciliation.run()
        assert await _value(scene, "SELECT array_agg(lane) FROM inbox") == [
            scene.world.ids["admin"]
        ]
        assert await _value(scene, POSITION) == 0
    async with scene.database.sessions.begin() as session:
        await registration.register(
            session, telegram_id=scene.world.ids["admin"], language="en", currency="XTR"
        )
    await reconciliation.run()
    assert await _value(scene, STATUS, charge=charge_id) == "credited"
    assert await _value(scene, UNCOMPARED) == 0
    assert await _value(scene, POSITION) == 1
    assert await _value(scene, TOLD) == 0


async def test_a_payment_by_an_unknown_person_is_told_once_if_its_update_is_parked(
    scene: Scene, bot: Bot
) -> None:
    await _pay(scene, f"topup:1:{AMOUNT}:XTR:x")
    reconciliation = StarReconciliation(scene.database.sessions, bot)
    await reconciliation.run()
    async with scene.database.sessions.begin() as session:
        [update] = await inbox.claim(session, limit=1)
        await inbox.park(session, id=update.id, error="TypeError")
    for _ in range(2):
        await reconciliation.run()
        assert await _value(scene, POSITION) == 1
        assert await _value(scene, TOLD) == 1


async def test_a_payment_by_an_unknown_person_that_differs_from_its_invoice_is_told(
    scene: Scene, bot: Bot
) -> None:
    await _pay(scene, "topup:1:7:XTR:x")
    await StarReconciliation(scene.database.sessions, bot).run()
    assert await _value(scene, TOLD) == 1
    assert await _value(scene, "SELECT count(*) FROM inbox") == 0
