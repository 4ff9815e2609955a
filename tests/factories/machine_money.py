"""Define the rules of the state machine test for money that leaves the marketplace.

These are withdrawals, payments that are reversed outside, payments in excess, blocked people, and
the staff requests that decide about them.
"""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.users import RequestKind, User
from services.market import staff_requests
from services.money import withdrawals
from services.platform.actors import Actor
from tests.factories import payments, world
from tests.factories.machine_posts import PICK, YES, Machine

AMOUNTS = st.sampled_from([0, 1, 500, 3_000])
KEYS = st.sampled_from("abx01")
"""Keys of payments: "0" and "1" are those with which the people began, and nobody pays "x"."""
REFERENCES = st.sampled_from("pqr")
KINDS = st.sampled_from(
    [
        *(RequestKind.RECORD_PAYMENT, RequestKind.RECORD_PAYMENT, RequestKind.CLAWBACK),
        *(RequestKind.BLOCK, RequestKind.UNBLOCK),
    ]
)


class MoneyRules(Machine):
    """The rules of the state machine test for withdrawals, reversals, blocks and requests."""

    # -- withdrawals ------------------------------------------------------------------------------

    @rule(who=PICK, amount=AMOUNTS)
    def request_withdrawal(self, who: int, amount: int) -> None:
        """Request a withdrawal."""
        actor = self.person(who)
        key = f"withdrawal-{len(self.model.withdrawals)}"
        answer = self.both(
            lambda session: withdrawals.request(session, actor=actor, amount=amount, key=key),
            lambda: self.model.request_withdrawal(world.user_id(actor), amount),
        )
        if answer is not None:
            self.model.withdrawals[answer[0].id] = answer[1]

    @precondition(lambda self: self.model.withdrawals)
    @rule(pick=PICK, paid=st.sampled_from([False, False, True]), reference=REFERENCES)
    def decide_withdrawal(self, pick: int, reference: str, *, paid: bool) -> None:
        """Approve a withdrawal, and then record its payment if `paid` is true."""
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
        """Return the money of a withdrawal, as an admin or as its person."""
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
        """Record a refund by Telegram: of a known or an unknown payment, and of all or a part."""
        key = self.payment_key(key)
        person = world.user_id(self.person(who)) if named else None
        _, paid, _ = self.model.deposits.get(key, (0, 500, False))
        amount = paid // 2 if partly else paid
        self.both(
            lambda session: payments.reverse(
                session, external_reference=key, user_id=person, amount=amount, source="telegram"
            ),
            lambda: self.model.reverse(key, person, amount),
        )

    # -- requests of the staff --------------------------------------------------------------------

    @rule(kind=KINDS, pick=PICK, key=KEYS, reference=REFERENCES, second=YES, from_shell=YES)
    def ask(
        self,
        kind: RequestKind,
        pick: int,
        key: str,
        reference: str,
        *,
        second: bool,
        from_shell: bool,
    ) -> None:
        """Make a request: block or unblock a person, take a payment back, or record a payment."""
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

        async def act(session: AsyncSession) -> int:
            telegram_id = None
            if not arguments:
                user = queries.required(await session.get(User, world.user_id(person)))
                telegram_id = user.telegram_id
            made = await staff_requests.create(
                session,
                actor=requester,
                kind=kind,
                arguments=arguments,
                reason="a reason",
                subject_telegram_id=telegram_id,
                from_shell=from_shell,
            )
            return made.id

        answer = self.both(
            act,
            lambda: self.model.ask(
                world.user_id(requester), kind, subject, reference, from_shell=from_shell
            ),
        )
        if answer is not None:
            self.model.requests[answer[0]] = answer[1]

    @precondition(lambda self: self.model.requests)
    @rule(pick=PICK, second=YES)
    def acknowledge(self, pick: int, *, second: bool) -> None:
        """Press "That was me"."""
        number, actor = world.nth(self.model.requests, pick), self.staff(second=second)
        self.both(
            lambda session: staff_requests.acknowledge(session, actor=actor, request_id=number),
            lambda: self.model.acknowledge(number, world.user_id(actor)),
        )

    @precondition(lambda self: self.model.requests)
    @rule(pick=PICK, second=YES)
    def confirm(self, pick: int, *, second: bool) -> None:
        """Confirm a request as the second person."""
        number, actor = world.nth(self.model.requests, pick), self.staff(second=second)
        self.both(
            lambda session: staff_requests.confirm(session, actor=actor, request_id=number),
            lambda: self.model.confirm(number, world.user_id(actor)),
        )

    @precondition(lambda self: self.model.requests)
    @rule(pick=PICK, second=YES)
    def drop(self, pick: int, *, second: bool) -> None:
        """Refuse a request."""
        number, actor = world.nth(self.model.requests, pick), self.staff(second=second)
        self.both(
            lambda session: staff_requests.drop(session, actor=actor, request_id=number),
            lambda: self.model.drop(number),
        )

    @precondition(lambda self: self.model.requests)
    @rule(pick=PICK)
    def decide_request(self, pick: int) -> None:
        """Do everything that carries a request out, as if nothing goes wrong."""
        number = world.nth(self.model.requests, pick)
        own = self.model.requests[number].requester != world.user_id(self.world.moderator)
        self.acknowledge(list(self.model.requests).index(number), second=own)
        self.confirm(list(self.model.requests).index(number), second=not own)

    def staff(self, *, second: bool) -> Actor:
        """Return one of the two admins."""
        return self.world.second_admin if second else self.world.moderator

    def payment_key(self, key: str) -> str:
        """Return the key of a payment of a person, or of the payment with which a person began."""
        return f"start-{world.user_id(self.person(int(key)))}" if key.isdigit() else key
