"""Define the rules of the state machine test about corrections."""

from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import RequestKind, RequestStatus, StaffRequest
from services.market import staff_requests
from services.money import correction_expiry, corrections, wallets
from tests.factories import presses, world
from tests.factories.machine_money import MoneyRules
from tests.factories.machine_posts import PICK, YES


class CorrectionRules(MoneyRules):
    """The rules for corrections of a wallet's balance, which wait for `adtech repair`."""

    @initialize(waits=st.sampled_from([None, (0, 0), (0, 0), (50, 25), (5, 73)]))
    def begin_with_correction(self, waits: tuple[int, int] | None) -> None:
        """Begin without a correction, or with a confirmed one.

        `waits` are the hours before and after the confirmation.
        """
        if waits is None:
            return
        before, after = waits
        self.propose_correction(0, second=False)
        self.time(before)
        self.confirm_correction(0, second=True)
        self.time(after)
        self.end_corrections()

    @rule(who=PICK, second=YES)
    def propose_correction(self, who: int, *, second: bool) -> None:
        """Propose to reset the balance of a person's wallet."""
        proposer, person = self.staff(second=second), self.person(who)

        async def act(session: AsyncSession) -> int:
            wallet = await wallets.of_user(session, world.user_id(person))
            proposed = await presses.propose(
                corrections.propose_balance_reset,
                session,
                actor=proposer,
                wallet_id=wallet.id,
                reason="a reason",
            )
            # The request was carried out here, so no other rule may carry it out.
            open_requests = select(StaffRequest.id).where(
                StaffRequest.kind == RequestKind.CORRECTION,
                StaffRequest.status == RequestStatus.PROPOSED,
            )
            for request_id in await session.scalars(open_requests):
                refusing = await presses.press(session, proposer, f"request:no_sure:{request_id}")
                await staff_requests.drop(session, actor=refusing, request_id=request_id)
            return proposed.id

        answer = self.both(
            act,
            lambda: self.model.propose_correction(world.user_id(person), world.user_id(proposer)),
        )
        if answer is not None:
            self.model.corrections[answer[0]] = answer[1]

    @precondition(lambda self: self.model.corrections)
    @rule(pick=PICK, second=YES)
    def confirm_correction(self, pick: int, *, second: bool) -> None:
        """Confirm a correction, as the first or the second admin."""
        number, actor = world.nth(self.model.corrections, pick), self.staff(second=second)

        async def act(session: AsyncSession) -> None:
            pressing = await presses.confirm_correction(session, actor, number)
            await corrections.confirm(
                session, actor=pressing, correction_id=number, reason="a reason"
            )

        self.both(act, lambda: self.model.confirm_correction(number, world.user_id(actor)))

    @precondition(lambda self: self.model.corrections)
    @rule(pick=PICK, second=YES)
    def refuse_correction(self, pick: int, *, second: bool) -> None:
        """Refuse a correction, as the first or the second admin."""
        number, actor = world.nth(self.model.corrections, pick), self.staff(second=second)
        self.both(
            lambda session: corrections.drop(
                session, actor=actor, correction_id=number, reason="a reason"
            ),
            lambda: self.model.refuse_correction(number),
        )

    @rule()
    def end_corrections(self) -> None:
        """Run the scheduler's function that drops old corrections."""
        self.same(
            partial(correction_expiry.drop_ended, limit=99), self.model.drop_ended_corrections
        )
