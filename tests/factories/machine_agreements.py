"""Define the rules of the state machine test about the answers of channel owners."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from services.market import acceptance_rules, agreements
from services.market.acceptance_rules import Rule
from tests.factories import world
from tests.factories.machine_posts import PICK, YES, Machine

MOSTLY = st.sampled_from([True, True, True, False])


class AgreementRules(Machine):
    """The rules for owners who accept and decline placements, and who let the bot accept them."""

    @precondition(lambda self: self.model.targets)
    @rule(pick=PICK, who=PICK, accepts=MOSTLY)
    def answer(self, pick: int, who: int, *, accepts: bool) -> None:
        """Answer a placement as its owner, or as any person if `who` is above 90."""
        target_id = self.target(pick)
        owner_id = self.model.targets[target_id].owner
        owner = next(each for each in self.world.people if each.user_id == owner_id)
        actor = self.person(who) if who > 90 else owner
        user_id = world.user_id(actor)
        if accepts:
            self.same(
                lambda session: agreements.accept(session, actor=actor, target_id=target_id),
                lambda: self.model.answer(user_id, target_id, accepts=True),
            )
        else:
            self.same(
                lambda session: agreements.decline(
                    session, actor=actor, target_id=target_id, reason="other"
                ),
                lambda: self.model.answer(user_id, target_id, accepts=False),
            )

    @rule(channel=PICK, who=PICK, accepts=YES)
    def acceptance_rule(self, channel: int, who: int, *, accepts: bool) -> None:
        """Let a channel accept each placement, or ask its owner each time."""
        channel_id = world.nth(self.model.channels, channel)
        actor = self.person(who)
        self.both(
            lambda session: acceptance_rules.set(
                session,
                actor=actor,
                channel_id=channel_id,
                rule=Rule(0, None) if accepts else None,
            ),
            lambda: self.model.set_rule(world.user_id(actor), channel_id, accepts=accepts),
        )
