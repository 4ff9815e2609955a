"""Define the rule of the state machine test about advertisers who cancel approved placements."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from services.market import cancellations
from tests.factories import world
from tests.factories.machine_posts import PICK, Machine


class CancellationRules(Machine):
    """The rule for advertisers who cancel approved placements."""

    @precondition(lambda self: self.model.targets)
    @rule(pick=PICK, who=PICK, cutoff=st.sampled_from([0, 1, 1, 3]), times=st.integers(1, 2))
    def cancel_placement(self, pick: int, who: int, cutoff: int, times: int) -> None:
        """Cancel a placement as its advertiser, or as any person, once or twice."""
        target_id = self.target(pick)
        actor = self.advertiser(self.model.targets[target_id].campaign, who)
        for _ in range(times):
            self.same(
                lambda session: cancellations.cancel(
                    session,
                    actor=actor,
                    target_id=target_id,
                    reason="plans",
                    cutoff=timedelta(hours=cutoff),
                ),
                lambda: self.model.cancel_placement(world.user_id(actor), target_id, cutoff),
            )
