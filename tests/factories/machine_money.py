"""Define the rules of the state machine test for money that leaves the platform.

Money leaves by withdrawals, and by reversals: Telegram gives a person's payment back. Some of these
operations, and the blocking of people, need a staff request, that is, a request of an admin that
another admin may have to confirm. The rule for deposits is here too, because the approval of a
withdrawal depends on them.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.intake import Comparison
from db.models.money import Deposit, DepositStatus
from db.models.users import RequestKind, User
from services.market import staff_requests, star_transactions
from services.money import star_list_positions, withdrawals
from services.platform.actors import Actor
from tests.factories import payments, presses, world
from tests.factories.machine_posts import PICK, YES, Machine

BOT = 7
"""The id of the bot whose list of transactions is read."""
AMOUNTS = st.sampled_from([0, 1, 500, 3_000])
KEYS = st.sampled_from("abx01")
"""The keys of payments: a digit means the payment with which the person with this number began, and
nobody pays with the key "x"."""
REFERENCES = st.sampled_from("pqr")
KINDS = st.sampled_from(
    [
        *(RequestKind.RECORD_PAYMENT, RequestKind.RECORD_PAYMENT, RequestKind.CLAWBACK),
        *(RequestKind.BLOCK, RequestKind.UNBLOCK),
    ]
)


class MoneyRules(Machine):
    """The rules for withdrawals, comparisons with Telegram's list, reversals and staff requests."""

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
        """Begin an example with one or two withdrawals and with at most one staff request.

        Without this beginning, most examples would contain no decision of an admin. If `taken_back`
        is true, the payment of a person who does nothing else is reversed. It was recorded before
        the withdrawals, and Telegram's list never has it.
        """
        if taken_back:
            payer_id = world.user_id(self.world.payer)
            key = f"start-{payer_id}"
            self.take_back(key, payer_id, self.model.deposits[key].amount)
        for who, amount in enumerate(amounts):
            self.request_withdrawal(who, amount)
        for kind in kinds:
            self.make_request(kind, 0, "0", "p", second=False, from_shell=from_shell)

    @rule(who=PICK, amount=st.sampled_from([0, 1, 500]), key=st.sampled_from("abc"))
    def deposit(self, who: int, amount: int, key: str) -> None:
        """Record a payment. If the key was used before, this repeats an earlier payment."""
        user_id = world.user_id(self.person(who))

        async def act(session: AsyncSession) -> bool:
            made = await payments.deposit(
                session, user_id=user_id, amount=amount, key=key, source="telegram"
            )
            return made.credited_at is not None

        self.same(act, lambda: self.model.deposit(user_id, amount, key))

    # -- withdrawals ------------------------------------------------------------------------------

    @rule(who=PICK, amount=AMOUNTS)
    def request_withdrawal(self, who: int, amount: int) -> None:
        """Request a withdrawal of `amount` in the role of a person. The request may be refused."""
        actor = self.person(who)
        key = f"withdrawal-{len(self.model.withdrawals)}"
        answer = self.both(
            lambda session: withdrawals.request(session, actor=actor, amount=amount, key=key),
            lambda: self.model.request_withdrawal(world.user_id(actor), amount),
        )
        if answer is not None:
            self.model.withdrawals[answer[0].id] = answer[1]

    @rule(listed=YES)
    def compare(self, *, listed: bool) -> None:
        """Compare the deposits with Telegram's list of payments, which is read to its end.

        If `listed` is true, the list has all deposits except those that were taken back. If it is
        false, the list has no deposit that was not compared before.
        """

        async def act(session: AsyncSession) -> None:
            if listed:
                kept = select(Deposit.id).where(Deposit.status != DepositStatus.CLAWED_BACK)
                ids = set(await session.scalars(kept))
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
        """Approve a withdrawal and, if `paid` is true, record its payment.

        If `listed` is not None, `compare` runs before the approval. Then comes `meanwhile`: nothing
        happens, an hour passes, or a new deposit is recorded, on which this withdrawal does not
        depend.
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
        """Return the money of a withdrawal to its wallet.

        If `by_staff` is true, an admin returns the money. Otherwise, a person cancels the
        withdrawal, which is refused if the withdrawal is another person's.
        """
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
        """Record that Telegram refunded a payment, which may be missing in the books.

        If `named` is false, Telegram does not say whose payment it is. If `partly` is true, only
        half of the amount was refunded.
        """
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
        """Let an admin make a staff request.

        The request is to block or unblock a person, to take a payment back, or to record the
        payment of a withdrawal. It comes from a shell if `from_shell` is true, and otherwise from a
        command in the admin chat. The admin has to acknowledge a request from a shell.
        """
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
                command = f"/paid {subject} {reference}"
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
        """Press "That was me" under a request, as its requester or as the other admin."""
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
        """Press the confirmation of a request, as its requester or as the other admin."""
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
        """Press the button that drops a request, so that it is not carried out."""
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
        """Let the requester of a request acknowledge it, and let the other admin confirm it."""
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
        """Let `actor` press the button with `data`, and call `decide` for the request `number`.

        `expected` does the same in the model.
        """

        async def act(session: AsyncSession) -> None:
            pressing = await presses.press(session, actor, data)
            await decide(session, actor=pressing, request_id=number)

        self.both(act, expected)

    def staff(self, *, second: bool) -> Actor:
        """Return the second admin if `second` is true, and otherwise the first."""
        return self.world.second_admin if second else self.world.moderator

    def payment_key(self, key: str) -> str:
        """Return the key of a payment; a digit stands for the first payment of that person."""
        return f"start-{world.user_id(self.person(int(key)))}" if key.isdigit() else key
