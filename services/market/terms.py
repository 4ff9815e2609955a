"""Read the terms on which a channel sells placements."""

from typing import NamedTuple

from db import queries
from db.models.campaigns import Channel, ChannelStatus
from services.platform import errors


class Terms(NamedTuple):
    """The price of a placement in a channel, and how many hours its post must stay.

    An advertiser agrees to these terms before the placement is submitted.
    """

    price: int
    """The price in minor units."""
    promised_hours: int


def require(channel: Channel, agreed: Terms | None) -> Terms:
    """Return the present terms of an active channel.

    Raises ChannelNotUsable if the channel is not active. Raises TermsChanged if the terms in
    `agreed` are not the present terms. If `agreed` is None, any terms are accepted.
    """
    if channel.status is not ChannelStatus.ACTIVE:
        raise errors.ChannelNotUsable(channel.id, channel.status)
    terms = Terms(queries.required(channel.price), queries.required(channel.promised_hours))
    if agreed is not None and agreed != terms:
        raise errors.TermsChanged(channel.id, *terms)
    return terms
