"""Define the rules of the state machine test about payments and staff requests."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.intake import Comparison
from db.models.money import Deposit
from db.models.users import RequestKind, User
from services.market import staff_requests, star_transactions
from services.money import star_list_positions, withdrawals
from services.money.payout_terms import PayoutTerms
from services.platform.actors import Actor
from tests.factories import payments, presses, world
from tests.factories.machine_posts import PICK, YES, Machine

BOT = 7
"""The id of the bot whose payments Telegram lists."""
AMOUNTS = st.sampled_from([0, 1, 500, 3_000])
TERMS = st.builds(
    PayoutTerms,
    fee_bps=st.sampled_from([0, 333, 9_999]),
    stars_hold_days=st.sampled_from([0, 1, 21]),
)
KEYS = st.sampled_from("abx01")
"""The keys of payments. A key that is a digit belongs to a person's first payment."""
REFERENCES = st.sampled_from("pqr")
KINDS = st.sampled_from(
    [
        *(RequestKind.RECORD_PAYMENT, RequestKind.RECORD_PAYMENT, RequestKind.CLAWBACK),
        *(RequestKind.BLOCK, RequestKind.UNBLOCK),
    ]
)


class MoneyRules(Machine):
    """The rules for deposits, withdrawals, reversals and staff requests."""

    @initialize(
        amounts=st.lists(st.sampled_from([1, 500]), min_size=1, max_size=2),
        kinds=st.lists(KINDS, max_size=1),
        from_shell=YES,
        taken_back=YES,
    )
    def begin_with_money(
        self,
        amounts: list[int],
        kinds: list[RequestKind],
        *,
        from_shell: bool,
        taken_back: bool,
    ) -> None:
        """Begin with some withdrawals, and with at most one staff request.

        If `taken_back` is true, a payment that Telegram's list does not have is reversed first.
        """
        if taken_back:
            payer_id = world.user_id(self.world.payer)
            key = f"start-{payer_id}"
            self.take_back(key, payer_id, self.model.deposits[key].amount)
        for who, amount in enumerate(amounts):
            self.request_withdrawal(who, amount, PayoutTerms(fee_bps=333 * who))
        for kind in kinds:
            self.make_request(kind, 0, "0", "p", second=False, from_shell=from_shell)

    @rule(who=PICK, amount=st.sampled_from([0, 1, 500]), key=st.sampled_from("abc"))
    def deposit(self, who: int, amount: int, key: str) -> None:
        """Record a payment, or repeat the earlier payment with this key."""
        user_id = world.user_id(self.person(who))

        async def act(session: AsyncSession) -> bool:
            made = await payments.deposit(
                session, user_id=user_id, amount=amount, key=key, source="telegram"
            )
            return made.credited_at is not None

        self.same(act, lambda: self.model.deposit(user_id, amount, key))

    # -- withdrawals ------------------------------------------------------------------------------

    @rule(who=PICK, amount=AMOUNTS, terms=TERMS)
    def request_withdrawal(self, who: int, amount: int, terms: PayoutTerms) -> None:
        """Request a withdrawal as a person."""
        actor = self.person(who)
        key = f"withdrawal-{len(self.model.withdrawals)}"
        answer = self.both(
            lambda session: withdrawals.request(
                session, actor=actor, amount=amount, key=key, terms=terms
            ),
            lambda: self.model.request_withdrawal(world.user_id(actor), amount, terms),
        )
        if answer is not None:
            self.model.withdrawals[answer[0].id] = answer[1]

    @rule(listed=YES)
    def compare(self, *, listed: bool) -> None:
        """Compare the deposits with Telegram's list of payments.

        If `listed` is false, the comparison finds no deposit.
        """

        async def act(session: AsyncSession) -> None:
            if listed:
                ids = set(await session.scalars(select(Deposit.id)))
                await star_transactions.mark_compared(session, ids, Comparison.LISTED)
            await star_list_positions.get(session, BOT)
            await star_list_positions.record_read(session, BOT, read_at=await queries.now(session))

        self.both(act, lambda: self.model.compare(listed=listed))

    @precondition(lambda self: self.model.withdrawals)
    @rule(
        pick=PICK,
        listed=st.sampled_from([None, False, True]),
        meanwhile=st.sampled_from(["nothing", "nothing", "deposit", "hour"]),
        paid=st.sampled_from([False, False, True]),
        reference=REFERENCES,
    )
    def decide_withdrawal(
        self, pick: int, reference: str, meanwhile: str, *, listed: bool | None, paid: bool
    ) -> None:
        """Approve a withdrawal, and record its payment if `paid` is true.

        `meanwhile` happens between the comparison of the deposits and the approval.
        """
        if listed is not None:
            self.compare(listed=listed)
        if meanwhile == "deposit":
            self.deposit(pick, 1, f"late-{len(self.model.deposits)}")
        elif meanwhile == "hour":
            self.time(1)
        number = world.nth(self.model.withdrawals, pick)
        self.both(
            lambda session: withdrawals.approve(
                session, actor=self.world.moderator, withdrawal_id=number
            ),
            lambda: self.model.approve_withdrawal(number),
        )
        if paid:
            self.both(
                lambda session: withdrawals.mark_paid(
                    session,
                    actor=self.world.moderator,
                    withdrawal_id=number,
                    external_reference=reference,
                ),
                lambda: self.model.mark_paid(number, reference),
            )

    @precondition(lambda self: self.model.withdrawals)
    @rule(pick=PICK, who=PICK, by_staff=YES)
    def return_withdrawal(self, pick: int, who: int, *, by_staff: bool) -> None:
        """Let an admin or a person return the money of a withdrawal."""
        number = world.nth(self.model.withdrawals, pick)
        actor = self.person(who)
        if by_staff:
            self.both(
                lambda session: withdrawals.return_money(
                    session, actor=self.world.moderator, withdrawal_id=number, reason="no"
                ),
                lambda: self.model.return_money(number),
            )
        else:
            self.both(
                lambda session: withdrawals.cancel(session, actor=actor, withdrawal_id=number),
                lambda: self.model.cancel_withdrawal(world.user_id(actor), number),
            )

    # -- reversals --------------------------------------------------------------------------------

    @rule(key=KEYS, who=PICK, named=YES, partly=st.sampled_from([False, False, False, True]))
    def reverse(self, key: str, who: int, *, named: bool, partly: bool) -> None:
        """Record that Telegram refunded a payment, or half of it if `partly` is true."""
        key = self.payment_key(key)
        person = world.user_id(self.person(who)) if named else None
        deposit = self.model.deposits.get(key)
        paid = deposit.amount if deposit else 500
        self.take_back(key, person, paid // 2 if partly else paid)

    def take_back(self, key: str, person: int | None, amount: int) -> None:
        """Record that Telegram refunded `amount` of a payment to `person`."""
        self.both(
            lambda session: payments.reverse(
                session, external_reference=key, user_id=person, amount=amount, source="telegram"
            ),
            lambda: self.model.reverse(key, person, amount),
        )

    # -- requests of the staff --------------------------------------------------------------------

    @rule(kind=KINDS, pick=PICK, key=KEYS, reference=REFERENCES, second=YES, from_shell=YES)
    def make_request(
        self,
        kind: RequestKind,
        pick: int,
        key: str,
        reference: str,
        *,
        second: bool,
        from_shell: bool,
    ) -> None:
        """Let an admin make a staff request, in a shell or in the admin chat."""
        if kind is RequestKind.RECORD_PAYMENT and not self.model.withdrawals:
            return
        requester = self.staff(second=second)
        person = self.person(pick)
        arguments: dict[str, Any] = {}
        subject: int | str = world.user_id(person)
        if kind is RequestKind.RECORD_PAYMENT:
            subject = world.nth(self.model.withdrawals, pick)
            arguments = {"withdrawal_id": subject, "external_reference": reference}
        elif kind is RequestKind.CLAWBACK:
            subject = self.payment_key(key)
            arguments = {"charge_id": subject}
            from_shell = True

        async def act(session: AsyncSession) -> int:
            actor, telegram_id = requester, None
            if not from_shell:
                command = f"/paid {subject} {reference}\na reason"
                actor = await presses.write(session, requester, command)
            if not arguments:
                user = queries.required(await session.get(User, world.user_id(person)))
                telegram_id = user.telegram_id
            made = await staff_requests.create(
                session,
                actor=actor,
                kind=kind,
                arguments=arguments,
                reason="a reason",
                subject_telegram_id=telegram_id,
                from_shell=from_shell,
            )
            return made.id

        answer = self.both(
            act,
            lambda: self.model.make_request(
                world.user_id(requester), kind, subject, reference, from_shell=from_shell
            ),
        )
        if answer is not None:
            self.model.requests[answer[0]] = answer[1]

    @precondition(lambda self: self.model.requests)
    @rule(pick=PICK, second=YES)
    def acknowledge(self, pick: int, *, second: bool) -> None:
        """Press "That was me" under a request, as the first or the second admin."""
        number, actor = world.nth(self.model.requests, pick), self.staff(second=second)
        self.press(
            f"request:mine:{number}",
            staff_requests.acknowledge,
            actor,
            number,
            lambda: self.model.acknowledge(number, world.user_id(actor)),
        )

    @precondition(lambda self: self.model.requests)
    @rule(pick=PICK, second=YES)
    def confirm(self, pick: int, *, second: bool) -> None:
        """Confirm a request, as the first or the second admin."""
        number, actor = world.nth(self.model.requests, pick), self.staff(second=second)
        self.press(
            f"request:yes_sure:{number}",
            staff_requests.confirm,
            actor,
            number,
            lambda: self.model.confirm(number, world.user_id(actor)),
        )

    @precondition(lambda self: self.model.requests)
    @rule(pick=PICK, second=YES)
    def drop(self, pick: int, *, second: bool) -> None:
        """Drop a request, as the first or the second admin."""
        number, actor = world.nth(self.model.requests, pick), self.staff(second=second)
        self.press(
            f"request:no_sure:{number}",
            staff_requests.drop,
            actor,
            number,
            lambda: self.model.drop(number),
        )

    @precondition(lambda self: self.model.requests)
    @rule(pick=PICK)
    def decide_request(self, pick: int) -> None:
        """Let one admin acknowledge a request, and let the other admin confirm the request."""
        number = world.nth(self.model.requests, pick)
        index = list(self.model.requests).index(number)
        by_second = self.model.requests[number].requester == world.user_id(self.world.second_admin)
        self.acknowledge(index, second=by_second)
        self.confirm(index, second=not by_second)

    def press(
        self,
        data: str,
        decide: staff_requests.Decision,
        actor: Actor,
        number: int,
        expected: Callable[[], None],
    ) -> None:
        """Let `actor` press a button, and call `decide` for the request `number`.

        `expected` is the same decision in the model.
        """

        async def act(session: AsyncSession) -> None:
            pressing = await presses.press(session, actor, data)
            await decide(session, actor=pressing, request_id=number)

        self.both(act, expected)

    def staff(self, *, second: bool) -> Actor:
        """Return the first or the second admin."""
        return self.world.second_admin if second else self.world.moderator

    def payment_key(self, key: str) -> str:
        """Return the key of a payment. A digit is the number of the person."""
        return f"start-{world.user_id(self.person(int(key)))}" if key.isdigit() else key
