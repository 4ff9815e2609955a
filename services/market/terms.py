"""Define the terms of a placement (price and format), and compute the fee."""

from typing import NamedTuple

from db.models.formats import Ending
from services.money import fees, wallets
from services.platform import errors

MAX_PROMISED_HOURS = 24 * 30
MAX_REMOVABLE_HOURS = 47
"""The most promised hours of a post that the bot takes down (`db.models.formats.REMOVABLE`)."""


class Kind(NamedTuple):
    """The promise about a post, without its price."""

    promised_hours: int
    hours_on_top: int = 0
    ending: Ending = Ending.LEFT


class Terms(NamedTuple):
    """The price of a placement in minor units, and what is promised about its post.

    `promised_hours` is how many hours the post must stay; in the first `hours_on_top` of them, no
    other post of the channel comes after it. `ending` is what happens to the post afterwards.
    """

    price: int
    promised_hours: int
    hours_on_top: int = 0
    ending: Ending = Ending.LEFT

    @property
    def kind(self) -> Kind:
        """The terms without the price."""
        return Kind(*self[1:])


class Shares(NamedTuple):
    """The two parts of a price in minor units: what the owner gets, and the platform's fee."""

    owner: int
    fee: int


def share(price: int, fee_bps: int) -> Shares:
    """Divide a price (minor units) between the owner and the platform.

    `fee_bps` is the fee in hundredths of a percent. The fee is rounded down, as in the database
    function `hold_escrow`.
    """
    fee = fees.fee_of(price, fee_bps)
    return Shares(price - fee, fee)


def require_valid(terms: Terms) -> None:
    """Raise InvalidAmount or InvalidTerms if no channel may sell posts on these terms."""
    wallets.require_amount(terms.price)
    if not 0 <= terms.promised_hours <= MAX_PROMISED_HOURS:
        raise errors.InvalidTerms("promised_hours")
    if not 0 <= terms.hours_on_top <= terms.promised_hours:
        raise errors.InvalidTerms("hours_on_top")
    if terms.ending is Ending.REMOVED and not 1 <= terms.promised_hours <= MAX_REMOVABLE_HOURS:
        raise errors.InvalidTerms("ending")
