"""Define the rules of the state machine test for withdrawals in Stars and their comparison."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.intake import Comparison
from db.models.money import Deposit, WithdrawalStatus
from services.market import star_transactions
from services.money import star_list_positions, withdrawals
from tests.factories import people, world
from tests.factories.machine_posts import PICK, YES, PostRules

BOT = 7


class WithdrawalRules(PostRules):
    """The rules for requests, approvals and returns, and for the comparison with Telegram."""

    @rule(who=PICK, amount=st.sampled_from([0, 1, 400, 9_000]))
    def request(self, who: int, amount: int) -> None:
        """Request a withdrawal."""
        actor, key = self.person(who), f"form-{people.number()}"

        async def act(session: AsyncSession) -> int:
            made = await withdrawals.request(session, actor=actor, amount=amount, key=key)
            return made.id

        answer = self.both(act, lambda: self.model.request(world.user_id(actor), amount))
        if answer is not None:
            self.model.withdrawals[answer[0]] = answer[1]

    @rule(listed=YES)
    def compare(self, *, listed: bool) -> None:
        """Read Telegram's list to its end. If `listed` is false, no deposit is in it yet."""

        async def act(session: AsyncSession) -> None:
            if listed:
                ids = set(await session.scalars(select(Deposit.id)))
                await star_transactions.mark_compared(session, ids, Comparison.LISTED)
            await star_list_positions.get(session, BOT)
            await star_list_positions.record_read(session, BOT, read_at=await queries.now(session))

        self.both(act, lambda: self.model.compare(listed=listed))

    @precondition(lambda self: self.model.withdrawals)
    @rule(pick=PICK, listed=st.sampled_from([None, False, True]), late=st.sampled_from([0, 0, 1]))
    def approve_withdrawal(self, pick: int, late: int, *, listed: bool | None) -> None:
        """Approve a withdrawal, at once or after a comparison, and perhaps an hour too late."""
        if listed is not None:
            self.compare(listed=listed)
        self.story.forward(late)
        self.model.now += late
        withdrawal_id = world.nth(self.model.withdrawals, pick)

        async def act(session: AsyncSession) -> WithdrawalStatus:
            done = await withdrawals.approve(
                session, actor=self.world.moderator, withdrawal_id=withdrawal_id
            )
            return done.status

        self.same(act, lambda: self.model.approve_withdrawal(withdrawal_id))

    @precondition(lambda self: self.model.withdrawals)
    @rule(pick=PICK)
    def return_withdrawal(self, pick: int) -> None:
        """Return the money of a withdrawal."""
        withdrawal_id = world.nth(self.model.withdrawals, pick)

        async def act(session: AsyncSession) -> WithdrawalStatus:
            done = await withdrawals.return_money(
                session, actor=self.world.moderator, withdrawal_id=withdrawal_id, reason="no"
            )
            return done.status

        self.same(act, lambda: self.model.return_withdrawal(withdrawal_id))
