"""Test how the bot handles Telegram's updates about payments."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from bot import outages, storing_updates
from db import queries
from db.models.users import Role
from sandbox.telegram.entities import Payment
from scheduler.star_reconciliation import StarReconciliation
from services.money import star_list_positions, withdrawals
from tests.factories import people
from tests.handlers.marketplace import Marketplace
from tests.shell import shell_of

CHARGE = "the-charge"
REFUSE_TO_READ_SWITCHES = """
    ALTER VIEW running_switches RENAME TO all_running;
    CREATE FUNCTION refused() RETURNS boolean LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{}'; END $$;
    CREATE VIEW running_switches AS SELECT * FROM all_running WHERE refused();
    GRANT EXECUTE ON FUNCTION refused TO PUBLIC;
    GRANT SELECT ON running_switches TO PUBLIC;
"""


async def _receive(market: Marketplace, update_id: int, message: dict[str, Any]) -> None:
    """Let the bot handle an update with this message."""
    update = {"update_id": update_id, "message": message}
    await storing_updates.store(market.database.sessions, [update])
    market.worker.wake()
    await market.settle()


async def _use_stars(market: Marketplace) -> None:
    """Set the bot's currency to Stars, and register the advertiser."""
    settings = market.dependencies.settings
    market.dependencies.settings = settings.model_copy(update={"currency": "XTR"})
    await market.say("advertiser", "/start")


def _paid(market: Marketplace, **changed: Any) -> dict[str, Any]:
    """Return the message that reports a payment of 70 Stars."""
    person = {"id": market.chat("advertiser"), "is_bot": False, "first_name": "A"}
    payment = {
        "currency": "XTR",
        "total_amount": 70,
        "invoice_payload": "topup:1:x",
        "telegram_payment_charge_id": CHARGE,
        "provider_payment_charge_id": "outside",
    }
    return {
        "message_id": 1,
        "date": 1,
        "chat": {"id": person["id"], "type": "private"},
        "from": person,
        "successful_payment": payment | changed,
    }


def _refunded(market: Marketplace, **changed: Any) -> dict[str, Any]:
    """Return the message that reports the refund of the payment in `_paid`."""
    message = _paid(market, **changed)
    refund = message.pop("successful_payment")
    del refund["provider_payment_charge_id"]
    bot = {"id": market.bot.id, "is_bot": True, "first_name": "The bot"}
    return message | {"from": bot, "refunded_payment": refund}


async def test_a_refunded_payment_is_taken_from_the_wallet(market: Marketplace) -> None:
    await _use_stars(market)
    await market.give("advertiser", 70)
    for update_id, message in enumerate(
        (_paid(market), _refunded(market), _refunded(market)), start=1
    ):
        await _receive(market, update_id, message)
    await market.deliver()
    assert "70" in await market.last("group")
    texts = [m["text"] or "" for m in await market.messages("advertiser")]
    told = [shown for shown in texts if "taken back" in shown]
    assert len(told) == 1
    assert "Your payment of 70 ⭐" in told[0]
    assert "Taken from your wallet: 70 ⭐. Still missing: 0 ⭐" in told[0]
    assert await market.balance("advertiser") == 70
    assert await market.value("SELECT status FROM deposits ORDER BY id DESC LIMIT 1") == (
        "clawed_back"
    )
    assert await market.value("SELECT count(*) FROM clawbacks") == 1


async def test_the_staff_see_the_providers_id_of_a_payment(market: Marketplace) -> None:
    """Check the list of deposits, the card of a withdrawal, and the card of a chargeback."""
    await market.say("advertiser", "/start")
    paid = _paid(market, currency="USD", invoice_payload="topup:1:70:USD:x")
    await _receive(market, 1, paid)
    person = await market.actor("advertiser")
    async with market.database.sessions.begin() as session:
        await withdrawals.request(session, actor=person, amount=30, key="form")
    await market.say("admin", "/deposits", where="group")
    assert f"Charge id: {CHARGE} · provider's id: outside" in await market.last("group")
    await market.say("admin", "/withdrawals", where="group")
    await market.press("admin", "#", where="group")
    deposit_id = await market.value("SELECT id FROM deposits")
    assert f"payment #{deposit_id}, the provider's id outside" in await market.last("group")
    shell = shell_of(market.database)
    ran = await shell.adtech("clawback", "outside", "a letter", "--as", market.chat("admin"))
    assert ran.status == 0, ran.said
    await market.deliver()
    assert f"deposit {CHARGE} (the provider's id outside) back" in await market.last("group")


async def test_a_refund_of_an_unknown_charge_belongs_to_the_private_chat(
    market: Marketplace,
) -> None:
    await _use_stars(market)
    await market.give("advertiser", 100)
    await _receive(market, 1, _refunded(market))
    await _receive(market, 2, _paid(market))
    assert await market.balance("advertiser") == 100
    assert await market.value("SELECT count(*) FROM clawbacks") == 1


async def test_the_alarm_of_a_refund_names_withdrawals_that_wait_for_their_payment(
    market: Marketplace,
) -> None:
    await _use_stars(market)
    await market.give("advertiser", 70)
    await _receive(market, 1, _paid(market))
    person = await market.actor("advertiser")
    for amount in (30, 20):
        async with market.database.sessions.begin() as session:
            await session.execute(text("UPDATE deposits SET comparison = 'listed'"))
            asked = await withdrawals.request(
                session, actor=person, amount=amount, key=f"form-{amount}"
            )
            await star_list_positions.get(session, market.bot.id)
            await star_list_positions.record_read(
                session, market.bot.id, read_at=await queries.now(session)
            )
            if amount == 30:
                admin = await people.staff(session)
                await withdrawals.approve(session, actor=admin, withdrawal_id=asked.id)
                approved = asked.id
    await _receive(market, 2, _refunded(market))
    await market.deliver()
    texts = [m["text"] or "" for m in await market.messages("group")]
    alarms = [shown for shown in texts if "was reversed" in shown]
    assert len(alarms) == 1
    assert f"do not pay them now: #{approved}." in alarms[0]


@pytest.mark.parametrize("sender", ["bot", "nobody"])
async def test_a_payment_that_names_no_person_is_parked(market: Marketplace, sender: str) -> None:
    await _use_stars(market)
    message = _paid(market)
    if sender == "bot":
        message["from"] = message["from"] | {"id": 1_087_968_824, "is_bot": True}
    else:
        del message["from"]
    await _receive(market, 1, message)
    await market.deliver()
    assert CHARGE in await market.value("SELECT last_error FROM inbox WHERE failed_at IS NOT NULL")
    assert await market.value("SELECT count(*) FROM outbox WHERE kind = 'payment_parked'") == 1
    assert await market.balance("advertiser") == 0


async def test_a_payment_in_a_public_admin_chat_is_credited(market: Marketplace) -> None:
    await _use_stars(market)
    message = _paid(market)
    group = {"id": market.chat("group"), "type": "supergroup", "title": "A", "username": "public"}
    await _receive(market, 1, message | {"chat": group})
    assert await market.balance("advertiser") == 70


@pytest.mark.parametrize(
    "changed",
    [{"total_amount": 30}, {"total_amount": 71}, {"total_amount": 0}, {"currency": "EUR"}],
)
async def test_a_refund_that_differs_from_its_deposit_is_parked_and_blocks_the_payer(
    market: Marketplace, changed: dict[str, Any]
) -> None:
    await _use_stars(market)
    await market.give("advertiser", 100)
    await _receive(market, 1, _paid(market))
    await _receive(market, 2, _refunded(market, **changed))
    assert await market.balance("advertiser") == 170
    assert await market.value("SELECT attempts FROM inbox WHERE failed_at IS NOT NULL") == 1
    assert await market.value("SELECT count(*) FROM users WHERE blocked") == 1
    await market.deliver()
    assert "PaymentMismatch" in await market.last("group")
    ran = await shell_of(market.database).adtech("parked-payments", "--charge", CHARGE)
    assert "PaymentMismatch" in ran.said


async def test_a_refund_in_the_currency_of_the_wallets_is_taken_back(market: Marketplace) -> None:
    """Check a currency that aiogram refuses for refunds. Only Stars are refunded so far."""
    await market.say("advertiser", "/start")
    dollars = {"currency": "USD", "invoice_payload": "topup:1:70:USD:x"}
    await _receive(market, 1, _paid(market, **dollars))
    assert await market.balance("advertiser") == 70
    await _receive(market, 2, _refunded(market, **dollars))
    assert await market.balance("advertiser") == 0
    assert await market.value("SELECT count(*) FROM inbox WHERE failed_at IS NOT NULL") == 0
    assert await market.value("SELECT recovered FROM clawbacks") == 70


@pytest.mark.parametrize("currency", [None, 7, ["USD"], "", "X" * 9_000])
async def test_a_refund_without_a_readable_currency_is_parked(
    market: Marketplace, currency: object
) -> None:
    await _use_stars(market)
    await _receive(market, 1, _paid(market))
    await _receive(market, 2, _refunded(market, currency=currency))
    assert await market.value("SELECT count(*) FROM outbox WHERE kind = 'payment_parked'") == 1
    assert await market.balance("advertiser") == 70


async def test_a_refund_of_a_colleague_that_differs_is_parked_at_once(market: Marketplace) -> None:
    """Check a payer with a role, whom only two super admins block."""
    await _use_stars(market)
    await market.give("advertiser", 100)
    await _receive(market, 1, _paid(market))
    await market.employ("advertiser", Role.ADMIN)
    await _receive(market, 2, _refunded(market, total_amount=30))
    assert await market.value("SELECT attempts FROM inbox WHERE failed_at IS NOT NULL") == 1
    assert await market.value("SELECT count(*) FROM users WHERE blocked") == 0


async def test_a_refund_that_came_before_its_payment_is_booked_by_a_retry(
    market: Marketplace,
) -> None:
    """Check a refund that names no person that the bot knows, and its parked update."""
    await _use_stars(market)
    stranger = {"chat": {"id": 4_999_999, "type": "private", "first_name": "S"}}
    await _receive(market, 1, _refunded(market) | stranger)
    await _receive(market, 2, _paid(market))
    assert await market.balance("advertiser") == 70
    await market.employ("admin", Role.OPERATOR)
    shell = shell_of(market.database)
    ran = await shell.adtech("retry-payment", "--charge", CHARGE, "--as", market.chat("admin"))
    assert ran.status == 0, ran.said
    await market.deliver()
    await market.press("admin", "✅ That was me", where="group")
    await market.settle()
    assert await market.balance("advertiser") == 0
    assert await market.value("SELECT count(*) FROM clawbacks") == 1
    assert await market.value("SELECT count(*) FROM inbox WHERE failed_at IS NOT NULL") == 0


async def test_a_refund_to_an_unknown_person_is_parked(market: Marketplace) -> None:
    stranger = {"chat": {"id": 4_999_999, "type": "private", "first_name": "S"}}
    await _receive(market, 1, _refunded(market) | stranger)
    assert await market.value("SELECT failed_at IS NOT NULL FROM inbox")
    assert await market.value("SELECT count(*) FROM deposits") == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"currency": "EUR"},
        {"invoice_payload": "topup:1:7000:XTR:x"},
        {"invoice_payload": "topup:1:70:EUR:x"},
        {"invoice_payload": "something else"},
    ],
)
async def test_a_payment_that_differs_from_its_invoice_is_parked(
    market: Marketplace, changed: dict[str, Any]
) -> None:
    await _use_stars(market)
    await market.give("advertiser", 100)
    await _receive(market, 1, _paid(market, **changed))
    assert await market.balance("advertiser") == 100
    assert await market.value("SELECT count(*) FROM deposits") == 1
    await market.deliver()
    assert "adtech retry-payment" in await market.last("group")


async def test_a_payment_is_credited_after_an_error_of_the_database(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    update = {"update_id": 1, "message": _paid(market, currency="USD")}
    await market.database.as_owner("ALTER TABLE deposits RENAME TO deposits_away")
    await storing_updates.store(market.database.sessions, [update])
    market.worker.wake()
    async with asyncio.timeout(60):
        taken = "SELECT attempts FROM inbox WHERE update_id = 1"
        while not await market.value(taken):
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    await market.database.as_owner("ALTER TABLE deposits_away RENAME TO deposits")
    await market.settle()
    assert await market.value("SELECT status FROM deposits") == "credited"


@pytest.mark.parametrize(
    ("sqlstate", "logged"),
    [("42P01", "pre-checkout not decided"), ("53100", "away: waiting for it")],
)
async def test_a_pre_checkout_query_is_answered_despite_an_error(
    market: Marketplace, monkeypatch: pytest.MonkeyPatch, sqlstate: str, logged: str
) -> None:
    monkeypatch.setattr(outages, "_last_lines", {})
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "➕ Top up")  # noqa: RUF001 - the button's text
    await market.say("advertiser", "100")
    await market.database.as_owner(REFUSE_TO_READ_SWITCHES.format(sqlstate))
    with capture_logs() as lines:
        paid = await market.pay("advertiser")
    assert not paid["ok"]
    assert "try again in a minute" in paid["error_message"]
    assert [line["event"] for line in lines if line["log_level"] != "info"] == [logged]
    assert (outages.kind_of(outages.DATABASE) == "disk_full") == (sqlstate == "53100")


@pytest.mark.parametrize("refunded", [False, True])
async def test_a_listed_payment_by_an_unknown_person_is_recorded(
    market: Marketplace, *, refunded: bool
) -> None:
    """Check a payment that only Telegram's list reports, and its refund."""
    settings = market.dependencies.settings
    market.dependencies.settings = settings.model_copy(update={"currency": "XTR"})
    state, payer = market.world.state, market.chat("advertiser")
    payload = "topup:1:70:XTR:x"
    payment = Payment(
        CHARGE, payer, "XTR", 70, payload, state.now(), number=state.next_number("payments")
    )
    if refunded:
        payment.refunded_at = state.now()
        payment.refund_number = state.next_number("payments")
    state.save_payment(payment)
    for _ in range(2):
        await StarReconciliation(market.database.sessions, market.bot).run()
        await market.settle()
    [deposit] = await market.rows("SELECT status, comparison, source FROM deposits")
    status = "clawed_back" if refunded else "credited"
    assert deposit == {"status": status, "comparison": "listed", "source": "stars"}
    assert await market.balance("advertiser") == (0 if refunded else 70)
    assert await market.value("SELECT position FROM star_list_positions") == 1 + refunded
    told = "SELECT count(*) FROM outbox WHERE kind = 'star_transaction_refused'"
    assert await market.value(told) == 0
