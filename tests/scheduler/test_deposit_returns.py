"""Test that deposits in Stars are given back once, whatever Telegram answers and in any order."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from aiogram import Bot

from bot import storing_updates
from bot.telegram import star_refunds
from db.models.operations import Switch
from db.session import Sessions
from scheduler import deposit_returns as tick
from scheduler.star_reconciliation import StarReconciliation
from services.market import payment_reversals
from services.money import deposit_returns, return_attempts
from services.money.payout_terms import FREE_OF_CHARGE
from services.platform.actors import Actor
from tests.factories import people
from tests.scheduler import star_list
from tests.scheduler.scene import Scene

RETURN = "SELECT status, claim_no FROM deposit_returns ORDER BY id DESC LIMIT 1"
WALLETS = (
    "SELECT (SELECT balance FROM wallets WHERE user_id = {0} AND kind = 'user') AS own,"
    " (SELECT balance FROM wallets WHERE user_id = {0} AND kind = 'withdrawal') AS held"
)
TOLD = "SELECT kind FROM outbox WHERE kind LIKE 'deposit_return%' OR kind LIKE '%_back' ORDER BY id"


class Case:
    """A payment of 500 Stars that its payer wants back, with the logins of the scheduler."""

    def __init__(
        self, scene: Scene, bot: Bot, payer: int, of_logins: tuple[Sessions, Sessions]
    ) -> None:
        self.scene, self.bot, self.payer = scene, bot, payer
        self.clock, self.intake = of_logins
        self.charge = ""
        self.deposit_id = 0

    async def pay_in(self) -> None:
        """Let the payer pay 500 Stars, and book the payment."""
        self.charge = await star_list.pay(self.scene, f"topup:{self.payer}:500:XTR:x")
        await self.read_list()
        self.deposit_id = await star_list.value(self.scene, "SELECT max(id) FROM deposits")

    async def read_list(self) -> None:
        """Read Telegram's list of Stars once."""
        await StarReconciliation(self.clock, self.bot, self.intake).run()

    async def want(self, number: int = 0) -> None:
        """Let the payer ask for the payment."""
        async with self.scene.database.sessions.begin() as session:
            await deposit_returns.request(
                session,
                actor=Actor(self.payer),
                deposit_id=self.deposit_id,
                number=number,
                terms=FREE_OF_CHARGE,
            )

    async def run(self, owner: str = "one") -> None:
        """Run one tick of the process `owner`."""
        await tick.give_back_due(self.clock, self.bot, owner, asyncio.Event())

    async def fail(self, kind: str, **more: Any) -> None:
        """Let the next request to refund a payment go wrong."""
        await self.scene.world.control("faults", method="refundStarPayment", kind=kind, **more)

    async def deliver_updates(self) -> None:
        """Book the refunds that Telegram has reported, as the bot does."""
        updates = await self.scene.world.updates()
        await storing_updates.store(self.intake, updates)
        for update in updates:
            refund = (update.get("message") or {}).get("refunded_payment")
            if refund is None:
                continue
            async with self.scene.database.sessions.begin() as session:
                await payment_reversals.reverse(
                    session,
                    external_reference=refund["telegram_payment_charge_id"],
                    user_id=None,
                    amount=refund["total_amount"],
                    source="stars",
                    currency="XTR",
                )

    async def state(self) -> tuple[str, int]:
        """Return the status and the claim number of the latest return."""
        [row] = await self.scene.rows(RETURN)
        return row["status"], row["claim_no"]

    async def wallets(self) -> tuple[int, int]:
        """Return the payer's own money, and the money that is held."""
        [row] = await self.scene.rows(WALLETS.format(self.payer))
        return row["own"], row["held"] or 0

    @property
    def is_refunded(self) -> bool:
        """Whether the sandbox's Telegram has given the Stars back."""
        return self.scene.world.state.payments[self.charge].refunded_at is not None

    async def told(self) -> list[str]:
        """Return the kinds of the messages about returns and reversals."""
        return [row["kind"] for row in await self.scene.rows(TOLD)]

    async def is_done(self) -> None:
        """Check that the payment was given back once, in Telegram and in the books."""
        assert self.is_refunded
        assert (await self.state())[0] == "done"
        assert await self.wallets() == (0, 0)
        status = await star_list.value(self.scene, star_list.STATUS, charge=self.charge)
        assert status == "returned"
        assert await self.told() == ["deposit_returned"]
        assert await star_list.value(self.scene, "SELECT count(*) FROM clawbacks") == 0
        assert await star_list.value(self.scene, "SELECT count(*) FROM users WHERE blocked") == 0
        await self.scene.database.forward(timedelta(minutes=2))
        await self.read_list()
        await self.read_list()
        compared = "SELECT refund_comparison FROM deposits WHERE external_reference = :charge"
        assert await star_list.value(self.scene, compared, charge=self.charge) == "listed"
        assert await star_list.value(self.scene, star_list.OPEN_INCIDENTS) == 0
        assert await star_list.value(self.scene, star_list.TOLD) == 0
        assert await star_list.unbooked(self.scene) == []


@pytest.fixture
async def case(scene: Scene, bot: Bot, payer: int, of_logins: tuple[Sessions, Sessions]) -> Case:
    """Return a payment whose payer has asked for it."""
    made = Case(scene, bot, payer, of_logins)
    await made.pay_in()
    await made.want()
    assert await made.wallets() == (0, 500)
    return made


async def test_a_payment_is_given_back_by_its_own_refund(case: Case) -> None:
    await case.run()
    assert await case.state() == ("done", 1)
    await case.run()
    await case.deliver_updates()
    await case.is_done()


@pytest.mark.parametrize("order", ["message first", "list first", "both before the answer"])
async def test_the_report_of_the_refund_may_come_before_the_answer(case: Case, order: str) -> None:
    """Check a process that is slow between Telegram's answer and its record."""
    async with case.clock.begin() as session:
        [due] = await return_attempts.list_due(session, limit=5)
        claim = await return_attempts.claim(session, due, owner="slow")
    assert claim is not None
    refund = await star_refunds.refund(
        case.bot, telegram_id=due.telegram_id, charge_id=due.charge_id
    )
    assert refund.result is star_refunds.RefundResult.REFUNDED
    if order != "list first":
        await case.deliver_updates()
    if order != "message first":
        await case.read_list()
    assert (await case.state())[0] == "done"
    async with case.clock.begin() as session:
        assert not await return_attempts.record_refunded(session, claim)
    await case.deliver_updates()
    await case.is_done()


@pytest.mark.parametrize("kind", ["cut_after", "timeout_after", "html_502", "garbage"])
@pytest.mark.parametrize("found_by", ["list", "message"])
async def test_an_unknown_outcome_is_found_and_never_asked_again(
    case: Case, kind: str, found_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(star_refunds, "SECONDS", 1)
    await case.fail(kind)
    await case.run()
    assert await case.state() == ("uncertain", 1)
    assert await case.wallets() == (0, 500)
    await case.run()
    assert await case.state() == ("uncertain", 1), "nothing is asked before the list was read"
    assert case.is_refunded
    await (case.read_list() if found_by == "list" else case.deliver_updates())
    assert await case.state() == ("done", 1)
    await case.deliver_updates()
    await case.is_done()


async def test_telegram_is_asked_again_when_its_list_lacks_the_refund(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(star_refunds, "SECONDS", 1)
    await case.fail("timeout_before")
    await case.run()
    assert await case.state() == ("uncertain", 1)
    assert not case.is_refunded
    await case.read_list()
    await case.run()
    assert await case.state() == ("uncertain", 1), "the list was read too early"
    await case.scene.database.forward(timedelta(minutes=4))
    await case.run()
    assert await case.state() == ("uncertain", 1), "the list was not read since"
    await case.read_list()
    await case.run()
    assert await case.state() == ("done", 2)
    await case.deliver_updates()
    await case.is_done()


async def test_a_process_that_dies_after_the_call_leaves_an_uncertain_return(case: Case) -> None:
    async with case.clock.begin() as session:
        [due] = await return_attempts.list_due(session, limit=5)
        assert await return_attempts.claim(session, due, owner="dead") is not None
    await star_refunds.refund(case.bot, telegram_id=due.telegram_id, charge_id=due.charge_id)
    await case.run()
    assert await case.state() == ("sending", 1)
    await case.scene.database.as_owner(
        "UPDATE deposit_returns SET lease_until = now() - interval '1 second'"
    )
    await case.run()
    assert await case.state() == ("uncertain", 1)
    await case.read_list()
    await case.is_done()


async def test_a_payment_that_was_refunded_before_counts_as_given_back(case: Case) -> None:
    """Check the answer CHARGE_ALREADY_REFUNDED, for example after a refund by hand."""
    await case.bot.refund_star_payment(case.scene.world.ids["admin"], case.charge)
    await case.run()
    assert await case.state() == ("done", 1)
    await case.deliver_updates()
    await case.is_done()


async def test_a_refund_by_hand_ends_a_return_that_was_not_asked_yet(case: Case) -> None:
    await case.bot.refund_star_payment(case.scene.world.ids["admin"], case.charge)
    await case.deliver_updates()
    assert await case.state() == ("done", 0)
    await case.is_done()


async def test_a_refusal_puts_the_money_back_and_can_be_asked_again(case: Case) -> None:
    await case.fail("error", error_code=400, description="Bad Request: BALANCE_TOO_LOW")
    await case.run()
    assert await case.state() == ("refused", 1)
    assert await case.wallets() == (500, 0)
    assert await case.told() == ["deposit_return_refused", "deposit_return_problem"]
    await case.want(number=0)
    assert await case.state() == ("refused", 1), "an old button asks for nothing"
    await case.want(number=1)
    await case.run()
    assert await case.state() == ("done", 1)
    assert await case.wallets() == (0, 0)


async def test_a_refund_after_a_refusal_is_a_reversal(case: Case) -> None:
    """Check the refund of a payment whose return is over. The person is blocked as always."""
    await case.fail("error", error_code=400, description="Bad Request: BALANCE_TOO_LOW")
    await case.run()
    await case.bot.refund_star_payment(case.scene.world.ids["admin"], case.charge)
    await case.deliver_updates()
    assert await star_list.value(case.scene, star_list.STATUS, charge=case.charge) == "clawed_back"
    assert await case.wallets() == (0, 0)


async def test_a_flood_limit_is_waited_for(case: Case) -> None:
    await case.fail("error", error_code=429, retry_after=30, description="Too Many Requests")
    await case.run()
    assert await case.state() == ("requested", 1)
    await case.run()
    assert await case.state() == ("requested", 1)
    await case.scene.database.forward(timedelta(seconds=31))
    await case.run()
    assert await case.state() == ("done", 2)


async def test_nothing_is_asked_while_the_switch_is_stopped(case: Case) -> None:
    async with case.scene.database.sessions.begin() as session:
        await people.set_switch(session, Switch.WITHDRAWALS, enabled=False)
    await case.run()
    assert await case.state() == ("requested", 0)
    assert not case.is_refunded


async def test_a_payer_who_is_blocked_meanwhile_keeps_the_money_in_the_wallet(case: Case) -> None:
    await case.scene.database.as_owner(f"UPDATE users SET blocked = true WHERE id = {case.payer}")
    await case.run()
    assert await case.state() == ("refused", 0)
    assert await case.wallets() == (500, 0)
    assert await case.told() == ["deposit_return_refused"]
    assert not case.is_refunded


async def test_a_return_waits_for_the_comparison_of_the_payers_deposits(
    scene: Scene, bot: Bot, payer: int, of_logins: tuple[Sessions, Sessions]
) -> None:
    """Check an invented deposit that would pay for the return of a real one."""
    case = Case(scene, bot, payer, of_logins)
    await case.pay_in()
    await star_list.book(scene, payer, "invented")
    await case.want()
    await case.run()
    assert await case.state() == ("requested", 0)
    assert not case.is_refunded


async def test_two_processes_ask_once(case: Case) -> None:
    calls = 0

    async def count(send: Any, caller: Bot, method: Any) -> Any:
        nonlocal calls
        calls += type(method).__name__ == "RefundStarPayment"
        return await send(caller, method)

    case.bot.session.middleware(count)  # type: ignore[arg-type]  # aiogram asks for a named protocol
    await asyncio.gather(*(case.run(owner) for owner in ("one", "two", "three")))
    assert calls == 1
    await case.deliver_updates()
    await case.is_done()
