"""Read and set the rules by which channels accept placements without a question to the owner."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Boolean, Text, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.correlation import correlation_id
from db.models.agreements import AcceptanceRule
from db.models.campaigns import Channel
from services.market import topics
from services.platform import errors
from services.platform.actors import Actor
from services.platform.agreement_errors import NoRule

_SET = text(
    "SELECT set_acceptance_rule(:channel_id, :actor_id, :least_kept, :most_price, :correlation_id)"
).bindparams(
    *(
        bindparam(name, type_=BigInteger)
        for name in ("channel_id", "actor_id", "least_kept", "most_price")
    ),
    bindparam("correlation_id", type_=Text),
)
_SET_TOPIC = text(
    "SELECT set_rule_topic(:channel_id, :actor_id, :topic, :excluded, :correlation_id)"
).bindparams(
    *(bindparam(name, type_=BigInteger) for name in ("channel_id", "actor_id")),
    *(bindparam(name, type_=Text) for name in ("topic", "correlation_id")),
    bindparam("excluded", type_=Boolean),
)


@dataclass(frozen=True)
class Rule:
    """The placements that a channel accepts without a question to its owner."""

    least_kept: int
    """How many placements of the advertiser must have been paid for. 0 accepts everybody."""
    most_price: int | None
    """The highest accepted price in minor units, or None for each price."""
    excluded_topics: tuple[str, ...] = ()
    """The topics of ads about which the owner is asked. Then an ad without a topic is one too."""


async def get(session: AsyncSession, channel_id: int) -> Rule | None:
    """Return the rule of a channel's present owner, or None if the owner is asked each time."""
    row = (
        await session.execute(
            select(
                AcceptanceRule.least_kept,
                AcceptanceRule.most_price,
                AcceptanceRule.excluded_topics,
            )
            .join(Channel, Channel.id == AcceptanceRule.channel_id)
            .where(
                AcceptanceRule.channel_id == channel_id, AcceptanceRule.owner_id == Channel.owner_id
            )
        )
    ).one_or_none()
    if row is None:
        return None
    excluded = tuple(topic for topic in topics.TOPICS if topic in row.excluded_topics)
    return Rule(row.least_kept, row.most_price, excluded)


async def set(  # noqa: A001 - callers write acceptance_rules.set
    session: AsyncSession, *, actor: Actor, channel_id: int, rule: Rule | None
) -> None:
    """Set whom and which price the rule of a channel accepts. None asks the owner each time.

    The excluded topics of the present rule stay (`exclude_topic`). Placements that wait for an
    answer are still asked about. Locks the channel. Raises AccessDenied, NotFound.
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


async def exclude_topic(
    session: AsyncSession, *, actor: Actor, channel_id: int, topic: str, excluded: bool
) -> None:
    """Exclude a topic from the rule of a channel, or include it again.

    The same choice again changes nothing. Locks the channel. Raises AccessDenied, NotFound,
    InvalidTerms (an unknown topic); NoRule if the owner is asked about each ad.
    """
    user_id = actor.require_user(action="acceptance_rule_set")
    code = await session.scalar(
        _SET_TOPIC,
        {
            "channel_id": channel_id,
            "actor_id": user_id,
            "topic": topic,
            "excluded": excluded,
            "correlation_id": correlation_id.get(),
        },
    )
    if code == "not_found":
        raise errors.NotFound("channel", channel_id)
    if code == "unknown":
        raise errors.InvalidTerms("topic")
    if code == "no_rule":
        raise NoRule(channel_id)
