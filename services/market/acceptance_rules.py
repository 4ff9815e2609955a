"""Read and set the rules by which channels accept placements without a question to the owner."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Text, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.correlation import correlation_id
from db.models.agreements import AcceptanceRule
from db.models.campaigns import Channel
from services.platform import errors
from services.platform.actors import Actor

_SET = text(
    "SELECT set_acceptance_rule(:channel_id, :actor_id, :least_kept, :most_price, :correlation_id)"
).bindparams(
    *(
        bindparam(name, type_=BigInteger)
        for name in ("channel_id", "actor_id", "least_kept", "most_price")
    ),
    bindparam("correlation_id", type_=Text),
)


@dataclass(frozen=True)
class Rule:
    """The placements that a channel accepts without a question to its owner."""

    least_kept: int
    """How many placements of the advertiser must have been paid for. 0 accepts everybody."""
    most_price: int | None
    """The highest accepted price in minor units, or None for each price."""


async def get(session: AsyncSession, channel_id: int) -> Rule | None:
    """Return the rule of a channel's present owner, or None if the owner is asked each time."""
    row = (
        await session.execute(
            select(AcceptanceRule.least_kept, AcceptanceRule.most_price)
            .join(Channel, Channel.id == AcceptanceRule.channel_id)
            .where(
                AcceptanceRule.channel_id == channel_id, AcceptanceRule.owner_id == Channel.owner_id
            )
        )
    ).one_or_none()
    return None if row is None else Rule(*row)


async def set(  # noqa: A001 - callers write acceptance_rules.set
    session: AsyncSession, *, actor: Actor, channel_id: int, rule: Rule | None
) -> None:
    """Set the rule of a channel. None asks the owner each time.

    Placements that wait for an answer are still asked about. Locks the channel. Raises
    AccessDenied, NotFound.
    """
    user_id = actor.require_user(action="acceptance_rule_set")
    code = await session.scalar(
        _SET,
        {
            "channel_id": channel_id,
            "actor_id": user_id,
            "least_kept": None if rule is None else rule.least_kept,
            "most_price": None if rule is None else rule.most_price,
            "correlation_id": correlation_id.get(),
        },
    )
    if code == "not_found":
        raise errors.NotFound("channel", channel_id)
