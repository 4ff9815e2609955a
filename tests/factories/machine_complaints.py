"""Define the rules of the state machine test about complaints."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.complaints import ComplaintKind, StepKind
from services.market import complaints
from services.platform.actors import Actor
from tests.factories import rows, world
from tests.factories.machine_posts import PICK, YES, Machine
from tests.factories.model_complaints import SIDES

_STEPS = {
    StepKind.SATISFIED: complaints.say_satisfied,
    StepKind.DISPUTED: complaints.dispute,
    StepKind.ACCEPTED: complaints.accept,
    StepKind.APPEALED: complaints.appeal,
}
_LAST = "SELECT max(id) FROM complaints WHERE campaign_target_id = :target_id"


class ComplaintRules(Machine):
    """The rules for advertisers who complain, owners who answer, and staff who decide."""

    @precondition(lambda self: self.model.targets)
    @rule(pick=PICK, who=PICK)
    def complain(self, pick: int, who: int) -> None:
        """Complain about a placement's post."""
        target_id = self.target(pick)
        actor = self.advertiser(self.model.targets[target_id].campaign, who)

        async def act(session: AsyncSession) -> bool:
            before = await rows.one(session, "SELECT count(*) FROM complaints")
            await complaints.open_complaint(
                session, actor=actor, target_id=target_id, kind=ComplaintKind.WRONG
            )
            return bool(before != await rows.one(session, "SELECT count(*) FROM complaints"))

        self.same(act, lambda: self.model.complain(world.user_id(actor), target_id))

    @precondition(lambda self: self.model.complained())
    @rule(pick=PICK, step=st.sampled_from(list(SIDES)), other=YES)
    def complaint_step(self, pick: int, step: StepKind, *, other: bool) -> None:
        """Take a step of the owner or of the advertiser."""
        found = self.model.complained()
        target_id = found[pick % len(found)]
        target = self.model.targets[target_id]
        sides = [target.owner, self.model.campaigns[target.campaign].advertiser]
        by_advertiser = (step in {StepKind.SATISFIED, StepKind.DISPUTED}) != other
        actor = next(
            each for each in self.world.people if each.user_id == sides[int(by_advertiser)]
        )

        async def act(session: AsyncSession) -> None:
            complaint_id = await rows.one(session, _LAST, target_id=target_id)
            if step is StepKind.ANSWERED:
                await complaints.answer(
                    session, actor=actor, complaint_id=complaint_id, words="It is as agreed."
                )
            else:
                await _STEPS[step](session, actor=actor, complaint_id=complaint_id)

        self.both(act, lambda: self.model.complaint_step(world.user_id(actor), target_id, step))

    @precondition(lambda self: self.model.complained())
    @rule(pick=PICK, other=YES)
    def publish_again(self, pick: int, *, other: bool) -> None:
        """Press the button that publishes a removed post again."""
        found = self.model.complained()
        target_id = found[pick % len(found)]
        target = self.model.targets[target_id]
        sides = [target.owner, self.model.campaigns[target.campaign].advertiser]
        actor = next(each for each in self.world.people if each.user_id == sides[int(other)])

        async def act(session: AsyncSession) -> None:
            complaint_id = await rows.one(session, _LAST, target_id=target_id)
            await complaints.republish(session, actor=actor, complaint_id=complaint_id)

        self.both(act, lambda: self.model.publish_again(world.user_id(actor), target_id))

    @precondition(lambda self: self.model.complained())
    @rule(pick=PICK, percent=st.sampled_from([0, 33, 50, 100]), head=YES)
    def decide_complaint(self, pick: int, percent: int, *, head: bool) -> None:
        """Decide about a complaint as an admin or as a super admin."""
        found = self.model.complained()
        target_id = found[pick % len(found)]
        actor: Actor = self.world.head if head else self.world.second_admin

        async def act(session: AsyncSession) -> None:
            complaint_id = await rows.one(session, _LAST, target_id=target_id)
            await complaints.decide(
                session, actor=actor, complaint_id=complaint_id, owner_percent=percent
            )

        self.both(
            act,
            lambda: self.model.decide_complaint(
                world.user_id(actor), target_id, percent, is_head=head
            ),
        )

    @precondition(lambda self: self.model.complained())
    @rule(pick=PICK, percent=st.sampled_from([0, 33, 50, 100]))
    def settle_complaint(self, pick: int, percent: int) -> None:
        """Lead a complaint to a decision that both sides accept, and let it take effect."""
        self.complaint_step(pick, StepKind.ANSWERED, other=False)
        self.complaint_step(pick, StepKind.DISPUTED, other=False)
        self.decide_complaint(pick, percent, head=True)
        self.complaint_step(pick, StepKind.ACCEPTED, other=False)
        self.complaint_step(pick, StepKind.ACCEPTED, other=True)
        self.end_complaints()

    @rule()
    def end_complaints(self) -> None:
        """End the steps whose time is over, as the scheduler does."""

        async def act(session: AsyncSession) -> int:
            return await complaints.end_due(session, limit=99)

        self.same(act, self.model.end_complaints)
