"""Choose the topic of a campaign's ad, which the acceptance rule of a channel may exclude."""

from sqlalchemy import BigInteger, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.correlation import correlation_id
from db.models.campaigns import Campaign
from services.market import acceptance_rules
from services.platform import errors
from services.platform.actors import Actor
from services.platform.agreement_errors import TopicInUse

_SET = text(
    "SELECT code, state FROM set_ad_topic(:campaign_id, :actor_id, :topic, :correlation_id)"
).bindparams(
    *(bindparam(name, type_=BigInteger) for name in ("campaign_id", "actor_id")),
    *(bindparam(name, type_=Text) for name in ("topic", "correlation_id")),
)


async def choose(session: AsyncSession, *, actor: Actor, campaign_id: int, topic: str) -> None:
    """Set the topic of a campaign's ad. The present topic changes nothing.

    Locks the campaign. Raises AccessDenied, NotFound, InvalidTerms (an unknown topic); InvalidMove
    if the campaign has ended; TopicInUse if the ad has another topic, and a placement waits for a
    decision.
    """
    user_id = actor.require_user(action="ad_topic_set")
    values = {
        "campaign_id": campaign_id,
        "actor_id": user_id,
        "topic": topic,
        "correlation_id": correlation_id.get(),
    }
    code, state = (await session.execute(_SET, values)).one()
    if code == "not_found":
        raise errors.NotFound("campaign", campaign_id)
    if code == "unknown":
        raise errors.InvalidTerms("topic")
    if code == "invalid_move":
        raise errors.InvalidMove("campaign", campaign_id, state, "changed")
    if code == "in_use":
        raise TopicInUse(campaign_id)


async def is_wanted(session: AsyncSession, *, campaign: Campaign, channel_id: int) -> bool:
    """Return whether a channel's rule would accept more ads of a campaign if they had a topic."""
    if campaign.topic is not None:
        return False
    rule = await acceptance_rules.get(session, channel_id)
    return rule is not None and bool(rule.excluded_topics)
