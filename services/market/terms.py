"""Read the price and the hours for which a channel sells placements."""

from typing import NamedTuple

from db import queries
from db.models.campaigns import Channel, ChannelStatus
from services.platform import errors


class Terms(NamedTuple):
    """The price of a placement in minor units, and how many hours the post must stay."""

    price: int
    promised_hours: int


def require(channel: Channel, agreed: Terms | None) -> Terms:
    """Return the present terms of an active channel.

    Raises ChannelNotUsable if the channel is not active; TermsChanged if `agreed` is not None and
    differs from the present terms.
    """
    if channel.status is not ChannelStatus.ACTIVE:
        raise errors.ChannelNotUsable(channel.id, channel.status)
    terms = Terms(queries.required(channel.price), queries.required(channel.promised_hours))
    if agreed is not None and agreed != terms:
        raise errors.TermsChanged(channel.id, *terms)
    return terms
