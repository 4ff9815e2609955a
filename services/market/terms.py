"""Read the price and the hours for which a channel sells placements, and compute the fee."""

from typing import NamedTuple

from db import queries
from db.models.campaigns import Channel, ChannelStatus
from services.market import auto_delete
from services.platform import errors


class Terms(NamedTuple):
    """The price of a placement in minor units, and how many hours the post must stay."""

    price: int
    promised_hours: int


class Shares(NamedTuple):
    """The two parts of a price in minor units: what the owner gets, and the platform's fee."""

    owner: int
    fee: int


def share(price: int, fee_bps: int) -> Shares:
    """Divide a price (minor units) between the owner and the platform.

    `fee_bps` is the fee in hundredths of a percent. The fee is rounded down, as in the database
    function `hold_escrow`.
    """
    fee = price * fee_bps // 10_000
    return Shares(price - fee, fee)


def require(channel: Channel, agreed: Terms | None) -> Terms:
    """Return the present terms of an active channel.

    Raises ChannelNotUsable if the channel is not active; TermsChanged if `agreed` is not None and
    differs from the present terms; PromiseTooLong if Telegram would remove a post too early.
    """
    if channel.status is not ChannelStatus.ACTIVE:
        raise errors.ChannelNotUsable(channel.id, channel.status)
    terms = Terms(queries.required(channel.price), queries.required(channel.promised_hours))
    if agreed is not None and agreed != terms:
        raise errors.TermsChanged(channel.id, *terms)
    auto_delete.require(channel, terms.promised_hours)
    return terms
