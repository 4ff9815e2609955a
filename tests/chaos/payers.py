"""Let people pay in Stars during a chaos run, and let Telegram refund the payments."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.money import WithdrawalStatus
from db.money import STARS
from scheduler.star_reconciliation import StarReconciliation
from services.market import registration, star_transactions, user_blocks
from services.market.creatives import Creative
from services.money import deposit_returns, deposits, invoices, withdrawals
from services.money.payout_terms import PayoutTerms
from services.platform import errors
from services.platform.actors import Actor
from tests.chaos.environment import TOKEN, Environment, wait_until
from tests.chaos.market import PRICE, Market
from tests.chaos.owners import DATABASE_ERRORS
from tests.chaos.rounds import Rounds
from tests.factories import payments

EARNED = "earned by an owner"
GIVEN_BACK = "given back at the payer's wish"
PLACES = (
    *("not recorded", "in the wallet", "in escrow", EARNED),
    *("being withdrawn", "approved for withdrawal", "withdrawn", GIVEN_BACK),
)
"""Where the money of a payment can be when Telegram refunds the payment."""
AT_ONCE = 2
"""How many people act at the same time."""
PAUSE_SECONDS = 1.0
"""The pause between two people, in seconds."""
RETRY_SECONDS = 0.3
APPROVALS = 20
"""How many times the approval of a withdrawal is tried."""
UNBOOKED = """
    SELECT count(*) FROM unnest($1::text[], $2::bool[]) AS charge (id, refunded)
    LEFT JOIN deposits ON external_reference = charge.id
    WHERE status IS NULL OR (status = 'returned') <> EXISTS (
            SELECT FROM deposit_returns WHERE deposit_id = deposits.id AND status = 'done')
        OR status <> 'returned' AND charge.refunded <> (status = 'clawed_back')
        OR EXISTS (SELECT FROM deposit_returns WHERE ended_at IS NULL)
"""
RELEASED = text("SELECT status = 'released' FROM escrows WHERE campaign_target_id = :target_id")


@dataclass(frozen=True)
class Payer:
    """A person who pays, with the ids at Telegram and in the product."""

    telegram_id: int
    user_id: int

    @property
    def actor(self) -> Actor:
        """The person as an actor without any staff role."""
        return Actor(self.user_id)


@dataclass
class Charge:
    """A payment in Stars that a person has made at Telegram."""

    payer: Payer
    id: str
    refunded: bool = False


@dataclass
class Payers:
    """The people who pay in Stars, and the number of refunds for each place of the money."""

    environment: Environment
    market: Market
    rng: random.Random
    counts: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(PLACES, 0)))
    charges: list[Charge] = field(default_factory=list)
    _spent: list[tuple[Charge, int]] = field(default_factory=list)
    """Payments whose money an owner will earn, with the ids of their placements."""

    @property
    def complete(self) -> bool:
        """True if there was a refund for each place of the money.

        For EARNED, a purchase is enough: the refund follows when the owner has been paid.
        """
        others = all(self.counts[place] for place in PLACES if place != EARNED)
        return others and bool(self.counts[EARNED] or self._spent)

    async def run(self, ended: asyncio.Event) -> None:
        """Let new people pay, and refund their payments, until `ended` is set."""
        places = Rounds(PLACES, self.rng)

        async def pay_again_and_again() -> None:
            while not ended.is_set():
                await self._pay_and_refund(places.draw())
                await self.refund_earned()
                await asyncio.sleep(PAUSE_SECONDS)

        answering = asyncio.create_task(self._answer_pre_checkout_queries())
        try:
            await asyncio.gather(*(pay_again_and_again() for _ in range(AT_ONCE)))
        finally:
            answering.cancel()

    async def refund_earned(self) -> None:
        """Refund the payments whose money an owner has earned by now."""
        spent, self._spent = self._spent, []
        for charge, target_id in spent:
            if await self._do(partial(_is_released, target_id=target_id)):
                await self._refund(charge, [True] * self.rng.randint(0, 2))
                self.counts[EARNED] += 1
            else:
                self._spent.append((charge, target_id))

    async def wait_until_booked(self, seconds: float) -> None:
        """Wait until the books contain every payment and every refund, but at most `seconds`."""
        ids = [charge.id for charge in self.charges]
        refunded = [charge.refunded for charge in self.charges]

        async def is_booked() -> bool:
            await self._compare()
            return bool(await self.environment.fetch(UNBOOKED, ids, refunded) == 0)

        with contextlib.suppress(TimeoutError):
            await wait_until(is_booked, seconds, "not all is booked", interval=1)

    async def _answer_pre_checkout_queries(self) -> None:
        """Answer each pre-checkout query with yes, as a bot does."""
        offset = 0
        while True:
            updates = await self.environment.call("getUpdates", offset=offset, timeout=5)
            for update in updates:
                offset = update["update_id"] + 1
                if query := update.get("pre_checkout_query"):
                    await self.environment.call(
                        "answerPreCheckoutQuery", pre_checkout_query_id=query["id"], ok=True
                    )

    async def _pay_and_refund(self, place: str) -> None:
        """Let a new person pay, move the money to a place, and refund the payment."""
        charge = await self._pay(await self._new_payer())
        messages = [True] * self.rng.randint(0, 2)
        reached = True
        if place == "not recorded":
            messages.append(False)
        else:
            await self._receive(charge, refunded=False)
            messages += [False] * self.rng.randint(0, 1)
            reached = await self._bring_to(place, charge)
        if place in {EARNED, GIVEN_BACK}:
            self.counts[GIVEN_BACK] += reached and place == GIVEN_BACK
            return
        await self._refund(charge, messages)
        self.counts[place] += reached
        await self._decide_withdrawals(charge.payer)
        if self.rng.random() < 0.5:
            await self._pay_again(charge.payer)

    async def _pay_again(self, payer: Payer) -> None:
        """Unblock a person, and let the person pay again."""
        await self._do(
            lambda session: user_blocks.unblock(
                session, actor=self._moderator, user_id=payer.user_id, reason="pays again"
            )
        )
        charge = await self._pay(payer)
        for _ in range(self.rng.randint(0, 2)):
            await self._receive(charge, refunded=False)
        if self.rng.random() < 0.5:
            await self._refund(charge, [True] * self.rng.randint(0, 2))

    # -- Telegram ---------------------------------------------------------------------------------

    async def _new_payer(self) -> Payer:
        person = await self.environment.control("users", first_name="Payer")
        telegram_id = person["id"]
        await self.environment.control(
            f"users/{telegram_id}/send", chat_id=telegram_id, text="/start"
        )
        user = await self._do(
            lambda session: registration.register(
                session, telegram_id=telegram_id, language="en", currency=STARS
            )
        )
        return Payer(telegram_id, user.id)

    async def _pay(self, payer: Payer) -> Charge:
        nonce = f"{self.rng.randrange(10**9)}"
        await self.environment.call(
            "sendInvoice",
            chat_id=payer.telegram_id,
            title="Top-up",
            description="Top-up",
            payload=invoices.build_payload(payer.user_id, PRICE, STARS, nonce),
            provider_token="",
            currency=STARS,
            prices=[{"label": "Top-up", "amount": PRICE}],
        )
        paid = await self.environment.control(f"users/{payer.telegram_id}/pay")
        charge = Charge(payer, paid["telegram_payment_charge_id"])
        self.charges.append(charge)
        return charge

    async def _refund(self, charge: Charge, messages: list[bool]) -> None:
        """Let Telegram refund a payment, and record Telegram's messages in random order.

        `messages` has True for each message about the refund, and False for each message about the
        payment.
        """
        await self.environment.control(
            f"users/{charge.payer.telegram_id}/refund_payment", telegram_payment_charge_id=charge.id
        )
        charge.refunded = True
        self.rng.shuffle(messages)
        await asyncio.gather(*(self._receive(charge, refunded=each) for each in messages))

    async def _receive(self, charge: Charge, *, refunded: bool) -> None:
        """Record a payment, or its refund, as the bot does."""
        facts: dict[str, Any] = {
            "user_id": charge.payer.user_id,
            "amount": PRICE,
            "source": star_transactions.SOURCE,
            "currency": STARS,
        }
        if refunded:
            await self._do(
                lambda session: payments.reverse(session, external_reference=charge.id, **facts)
            )
        else:
            await self._do(lambda session: payments.deposit(session, key=charge.id, **facts))

    # -- the places of the money ------------------------------------------------------------------

    async def _bring_to(self, place: str, charge: Charge) -> bool:
        """Move the money of a payment to a place. Return False if this is not possible now."""
        if place == "in the wallet":
            return True
        try:
            if place == GIVEN_BACK:
                await self._want_back(charge)
                return True
            if place in {"in escrow", EARNED}:
                return await self._buy(charge, earned=place == EARNED)
            await self._withdraw(charge.payer, PLACES.index(place) - PLACES.index(EARNED) - 1)
        except errors.DomainError:  # for example: the bot has just lost its rights in the channel
            return False
        return True

    async def _want_back(self, charge: Charge) -> None:
        """Let a person want a payment back. A scheduler asks Telegram, and may be killed then."""
        deposit = await self._do(lambda session: deposits.find_by_charge(session, charge.id))
        await self._do(
            lambda session: deposit_returns.request(
                session,
                actor=charge.payer.actor,
                deposit_id=deposit.id,
                number=0,
                terms=PayoutTerms(),
            )
        )
        await self._compare()

    async def _buy(self, charge: Charge, *, earned: bool) -> bool:
        """Buy a placement with the money of a payment. Return False during a database outage."""
        buyer = charge.payer.actor
        channel = self.rng.choice(
            [each for each in self.market.connected if bool(each.promised_hours) != earned]
        )
        campaign = await self._do(
            lambda session: self.market.create_campaign(
                session, buyer, Creative("text", f"Ad of payer {charge.payer.user_id}")
            )
        )
        try:
            target_id = await self.market.buy(channel, (buyer, campaign.id))
        except DATABASE_ERRORS:
            return False
        if earned:
            self._spent.append((charge, target_id))
        return True

    async def _withdraw(self, payer: Payer, decisions: int) -> None:
        """Request a withdrawal for a person, with or without a fee.

        If `decisions` is 1, an admin approves the withdrawal. If `decisions` is 2, the admin also
        records the payment.
        """
        terms = PayoutTerms(fee_bps=self.rng.choice((0, 500)))
        withdrawal = await self._do(
            lambda session: withdrawals.request(
                session,
                actor=payer.actor,
                amount=PRICE,
                key=f"chaos-{payer.user_id}",
                terms=terms,
            )
        )
        if decisions:
            await self._approve(withdrawal.id)
        if decisions > 1:
            await self._mark_paid(withdrawal.id)

    async def _approve(self, withdrawal_id: int) -> None:
        """Approve a withdrawal. Raises NotCompared if the last attempt fails."""
        for late in range(APPROVALS):
            try:
                await self._do(
                    lambda session: withdrawals.approve(
                        session, actor=self._moderator, withdrawal_id=withdrawal_id
                    )
                )
            except errors.NotCompared:
                if late == APPROVALS - 1:
                    raise
                await self._compare()
            else:
                return

    async def _compare(self) -> None:
        """Compare the deposits with Telegram's list, as a scheduler does."""
        server = TelegramAPIServer.from_base(str(self.environment.telegram.facts["url"]))
        async with Bot(TOKEN, session=AiohttpSession(api=server)) as bot:
            with contextlib.suppress(*DATABASE_ERRORS):
                await StarReconciliation(self.market.sessions, bot).run()

    async def _decide_withdrawals(self, payer: Payer) -> None:
        """Record each approved withdrawal as paid, or return its money, at random."""
        rows = await self._do(
            lambda session: withdrawals.of_user(session, user_id=payer.user_id, limit=9, offset=0)
        )
        for withdrawal in rows:
            if withdrawal.status is WithdrawalStatus.APPROVED:
                pay_or_return = self.rng.choice((self._mark_paid, self._return_money))
                await pay_or_return(withdrawal.id)

    async def _mark_paid(self, withdrawal_id: int) -> None:
        await self._do(
            lambda session: withdrawals.mark_paid(
                session,
                actor=self._moderator,
                withdrawal_id=withdrawal_id,
                external_reference=f"transfer-{withdrawal_id}",
            )
        )

    async def _return_money(self, withdrawal_id: int) -> None:
        await self._do(
            lambda session: withdrawals.return_money(
                session,
                actor=self._moderator,
                withdrawal_id=withdrawal_id,
                reason="refunded by Telegram",
            )
        )

    @property
    def _moderator(self) -> Actor:
        assert self.market.moderator is not None
        return self.market.moderator

    async def _do(self, act: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
        """Run a use case until no database outage or stop prevents it, and return its result."""
        while True:
            with contextlib.suppress(*DATABASE_ERRORS, errors.SwitchStopped):
                async with self.market.sessions.begin() as session:
                    return await act(session)
            await asyncio.sleep(RETRY_SECONDS)


async def _is_released(session: AsyncSession, *, target_id: int) -> bool:
    return bool(await session.scalar(RELEASED, {"target_id": target_id}))
