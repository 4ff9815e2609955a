"""Define the rules of the state machine test about the answers of channel owners."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from services.market import acceptance_rules, agreements, placement_versions
from services.market.acceptance_rules import Rule
from tests.factories import people, world
from tests.factories.machine_posts import PICK, YES, Machine

MOSTLY = st.sampled_from([True, True, True, False])


class AgreementRules(Machine):
    """The rules for owners who accept and decline placements, and who let the bot accept them."""

    @precondition(lambda self: self.model.targets)
    @rule(pick=PICK, who=PICK, accepts=MOSTLY, seen=MOSTLY)
    def answer(self, pick: int, who: int, *, accepts: bool, seen: bool = True) -> None:
        """Answer a placement as its owner, or as any person if `who` is above 90.

        If `seen` is False, the answer is about the version before the present one.
        """
        target_id = self.target(pick)
        version = self.model.targets[target_id].version - (not seen)
        owner_id = self.model.targets[target_id].owner
        owner = next(each for each in self.world.people if each.user_id == owner_id)
        actor = self.person(who) if who > 90 else owner
        user_id = world.user_id(actor)
        if accepts:
            self.same(
                lambda session: agreements.accept(
                    session, actor=actor, target_id=target_id, version=version
                ),
                lambda: self.model.answer(user_id, target_id, version, accepts=True),
            )
        else:
            self.same(
                lambda session: agreements.decline(
                    session, actor=actor, target_id=target_id, version=version, reason="other"
                ),
                lambda: self.model.answer(user_id, target_id, version, accepts=False),
            )

    @precondition(lambda self: self.model.targets)
    @rule(pick=PICK, who=PICK, seen=MOSTLY)
    def change(self, pick: int, who: int, *, seen: bool) -> None:
        """Give a placement another ad, in the present version or in the one before."""
        target_id = self.target(pick)
        target = self.model.targets[target_id]
        version = target.version - (not seen)
        actor = self.advertiser(target.campaign, who)
        creative = people.advert(f"Bread of {self.model.now}")
        self.both(
            lambda session: placement_versions.change_ad(
                session, actor=actor, target_id=target_id, version=version, creative=creative
            ),
            lambda: self.model.change(world.user_id(actor), target_id, version),
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
