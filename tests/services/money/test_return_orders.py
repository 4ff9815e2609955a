"""Test returns of deposits in random orders of requests, answers, crashes, reports and spending.

The test knows what the imagined Telegram has refunded. At the end the books have to say the same.
"""

import random
from dataclasses import dataclass, field

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.deposit_returns import DepositReturn, ReturnStatus
from db.models.intake import Comparison
from db.models.money import Deposit, DepositStatus
from db.models.users import User
from db.money import STARS
from services.market import payment_reversals, star_transactions
from services.money import deposit_returns, received_payments, return_attempts, star_list_positions
from services.money.payout_terms import FREE_OF_CHARGE
from services.money.return_attempts import ReturnClaim
from services.platform import errors
from services.platform.actors import Actor
from tests.factories import payments, people, rows

BOT = 7
AMOUNT = 100
STEPS = 40
PAYMENTS = 4
BALANCES = (
    "SELECT coalesce(sum(balance) FILTER (WHERE kind = 'user'), 0),"
    " coalesce(sum(balance) FILTER (WHERE kind = 'withdrawal'), 0),"
    " coalesce(sum(balance) FILTER (WHERE kind = 'loss'), 0)"
    " FROM wallets WHERE coalesce(user_id, counterparty_id) = :id"
)


@dataclass
class Walk:
    """One payer, the imagined Telegram, and the processes that ask it."""

    session: AsyncSession
    chance: random.Random
    payer: Actor
    telegram_id: int
    refunded: set[str] = field(default_factory=set)
    """The payments that Telegram has refunded."""
    by_hand: set[str] = field(default_factory=set)
    """The payments of `refunded` that the owner of the bot has refunded."""
    asked: list[tuple[ReturnClaim, str]] = field(default_factory=list)
    """The answers of Telegram that no process has recorded yet."""
    spent: int = 0

    async def pay(self) -> None:
        """Let the payer pay in, at most PAYMENTS times."""
        count = await rows.one(self.session, "SELECT count(*) FROM deposits")
        if count < PAYMENTS:
            await payments.deposit(
                self.session,
                user_id=self.payer.user_id or 0,
                amount=AMOUNT,
                key=f"charge-{people.number()}",
                source="stars",
            )

    async def spend(self) -> None:
        """Let the payer spend a part of the money."""
        balance, _, _ = await self.balances()
        amount = min(int(balance), self.chance.choice((1, AMOUNT)))
        if amount:
            await people.spend(self.session, self.payer, amount)
            self.spent += amount

    async def want(self) -> None:
        """Let the payer want a payment back, perhaps by an old button."""
        found = (await self.session.scalars(select(Deposit))).all()
        if not found:
            return
        deposit = self.chance.choice(found)
        number = await deposit_returns.next_number(self.session, deposit.id)
        try:
            async with self.session.begin_nested():
                await deposit_returns.request(
                    self.session,
                    actor=self.payer,
                    deposit_id=deposit.id,
                    number=max(0, number - self.chance.choice((0, 0, 1))),
                    terms=FREE_OF_CHARGE,
                )
        except errors.DomainError:
            pass

    async def ask(self) -> None:
        """Let a process claim a return and ask Telegram, which answers or refuses."""
        await self._compare()
        due = await return_attempts.list_due(self.session, limit=1)
        claim = await return_attempts.claim(self.session, due[0], owner="x") if due else None
        if claim is None:
            return
        answer = self.chance.choice(("refunded", "refunded", "refused", "not asked"))
        if claim.due.charge_id in self.refunded:
            answer = "refunded"
        elif answer == "refunded":
            self.refunded.add(claim.due.charge_id)
        lost = self.chance.random()
        if lost < 0.3:
            return  # the process dies before it can record the answer
        self.asked.append((claim, "unknown" if lost < 0.6 else answer))

    async def record(self) -> None:
        """Record one of the answers, perhaps long after the claim was given up."""
        if not self.asked:
            return
        claim, answer = self.asked.pop(self.chance.randrange(len(self.asked)))
        if answer == "refunded":
            await return_attempts.record_refunded(self.session, claim)
        elif answer == "refused":
            await return_attempts.record_refused(self.session, claim, error="no")
        elif answer == "unknown":
            await return_attempts.record_uncertain(self.session, claim, error="TimeoutError")
        else:
            now = await queries.now(self.session)
            await return_attempts.record_not_asked(
                self.session, claim, error="429", due_in=now - now
            )

    async def refund_by_hand(self) -> None:
        """Let the owner of the bot refund a payment at Telegram."""
        if self.chance.random() < 0.8:
            return
        charges = (await self.session.scalars(select(Deposit.external_reference))).all()
        if charges:
            charge = self.chance.choice(charges)
            self.by_hand |= {charge} - self.refunded
            self.refunded.add(charge)

    async def report(self) -> None:
        """Let Telegram report one of its refunds, perhaps again."""
        if self.refunded:
            await self._book(self.chance.choice(sorted(self.refunded)))

    async def read_list(self) -> None:
        """Read Telegram's list minutes later, and let uncertain returns be asked about again."""
        await self.session.execute(
            text("UPDATE deposit_returns SET uncertain_at = uncertain_at - interval '4 minutes'")
        )
        for charge in sorted(self.refunded):
            await self._book(charge)
        await star_list_positions.get(self.session, BOT)
        now = await queries.now(self.session)
        await star_list_positions.record_read(self.session, BOT, read_at=now)
        await return_attempts.ask_again(self.session, bot_id=BOT)

    async def rescue(self) -> None:
        """Let the leases of the processes that died end."""
        held = [claim.due.return_id for claim, _ in self.asked]
        await self.session.execute(
            text(
                "UPDATE deposit_returns SET lease_until = now() - interval '1 second'"
                " WHERE status = 'sending' AND (id <> ALL (:held) OR :late)"
            ),
            {"held": held, "late": self.chance.random() < 0.3},
        )
        await return_attempts.rescue_abandoned(self.session)

    async def end(self) -> None:
        """Let everything that is under way come to its end."""
        while self.asked:
            await self.record()
        open_returns = "SELECT count(*) FROM deposit_returns WHERE ended_at IS NULL"
        while True:
            await self.rescue()
            await self.read_list()
            if not await rows.one(self.session, open_returns):
                return
            await self.ask()
            while self.asked:
                await self.record()

    async def balances(self) -> tuple[int, int, int]:
        """Return the payer's own money, the held money, and the loss."""
        [row] = await rows.table(self.session, BALANCES, id=self.payer.user_id)
        return row[0], row[1], row[2]

    async def _book(self, charge: str) -> None:
        await received_payments.note(
            self.session,
            charge_id=charge,
            telegram_id=self.telegram_id,
            amount=AMOUNT,
            currency=STARS,
            refunded=True,
        )
        await payment_reversals.reverse(
            self.session,
            external_reference=charge,
            user_id=None,
            amount=AMOUNT,
            source="stars",
            currency=STARS,
        )

    async def _compare(self) -> None:
        ids = set((await self.session.scalars(select(Deposit.id))).all())
        await star_transactions.mark_compared(self.session, ids, Comparison.LISTED)


@pytest.mark.parametrize("seed", range(12))
async def test_the_books_say_what_telegram_has_refunded(session: AsyncSession, seed: int) -> None:
    chance = random.Random(seed)
    payer = await people.person(session, currency=STARS)
    person = queries.required(await session.get(User, payer.user_id))
    walk = Walk(session, chance, payer, person.telegram_id)
    acts = (
        *(walk.pay, walk.spend, walk.want, walk.want, walk.ask, walk.ask, walk.record),
        *(walk.refund_by_hand, walk.report, walk.read_list, walk.rescue),
    )
    await walk.pay()
    for _ in range(STEPS):
        await chance.choice(acts)()
        await people.commit(session)
    await walk.end()
    await people.commit(session)
    deposits = (await session.scalars(select(Deposit))).all()
    given = (await session.scalars(select(DepositReturn))).all()
    gone = {DepositStatus.RETURNED, DepositStatus.CLAWED_BACK}
    assert {row.external_reference for row in deposits if row.status in gone} == walk.refunded
    reversals = {row.external_reference for row in deposits if row.status == "clawed_back"}
    assert reversals <= walk.by_hand, "the refund that a payer asked for is no reversal"
    returned = [row.id for row in deposits if row.status is DepositStatus.RETURNED]
    assert sorted(returned) == sorted(
        row.deposit_id for row in given if row.status is ReturnStatus.DONE
    )
    own, held, loss = await walk.balances()
    paid_in = AMOUNT * (len(deposits) - len(walk.refunded))
    assert (own + loss, held) == (paid_in - walk.spent, 0)
    is_blocked = await rows.one(session, "SELECT blocked FROM users WHERE id = :id", id=person.id)
    assert is_blocked == any(row.status is DepositStatus.CLAWED_BACK for row in deposits)
