"""Define the errors of the domain.

An error has no text: `bot.errors` renders each error in the language of the person.
"""

from dataclasses import dataclass, fields


class DomainError(Exception):
    """The base class of every refusal, so that a caller can catch all refusals together.

    An error contains ids, amounts and our own words, and never texts. Subclasses are dataclasses
    that are not frozen, because Python itself writes `__traceback__`.
    """

    def __str__(self) -> str:
        """Return the class and its fields in a form that is safe for a log."""
        facts = ", ".join(
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)  # type: ignore[arg-type]  # every subclass is a dataclass
        )
        return f"{type(self).__name__}({facts})"


@dataclass(eq=False)
class AccessDenied(DomainError):
    """The actor lacks the role that the act needs, or acts outside the admin chat."""

    action: str


@dataclass(eq=False)
class NotCampaignOwner(DomainError):
    """The campaign belongs to another advertiser."""

    campaign_id: int


@dataclass(eq=False)
class NotChannelOwner(DomainError):
    """The channel belongs to another owner."""

    channel_id: int


@dataclass(eq=False)
class NotWithdrawalOwner(DomainError):
    """The withdrawal belongs to another person."""

    withdrawal_id: int


@dataclass(eq=False)
class OwnMoney(DomainError):
    """The actor may not decide, because the decision is about the actor's own money.

    This is the case if the actor is the target's advertiser or owner, or the user concerned. (A
    target is a placement, that is, one purchase of a post in one channel.)
    """

    target_id: int


@dataclass(eq=False)
class NotFound(DomainError):
    """The row does not exist, or the actor may not see it."""

    thing: str
    id: int | str


@dataclass(eq=False)
class InvalidMove(DomainError):
    """The status of the row does not allow this move."""

    thing: str
    id: int
    status: str
    wanted: str


@dataclass(eq=False)
class SwitchStopped(DomainError):
    """The kill switch that this act needs is stopped."""

    key: str


@dataclass(eq=False)
class InsufficientFunds(DomainError):
    """The balance of the wallet is less than the needed amount. Amounts are in minor units."""

    user_id: int | None
    needed: int
    balance: int
    currency: str


@dataclass(eq=False)
class BudgetExceeded(DomainError):
    """The price is above the unspent budget of the campaign. Amounts are in minor units."""

    campaign_id: int
    left: int
    price: int


@dataclass(eq=False)
class CampaignNotActive(DomainError):
    """The campaign is not active, but the act needs an active campaign."""

    campaign_id: int
    status: str


@dataclass(eq=False)
class ChannelNotUsable(DomainError):
    """The channel cannot take placements in its present status."""

    channel_id: int
    status: str


@dataclass(eq=False)
class ChannelTaken(DomainError):
    """Another person has already connected the channel."""

    chat_id: int


@dataclass(eq=False)
class PersonBlocked(DomainError):
    """The user, or a party of the placement, is blocked."""

    user_id: int


@dataclass(eq=False)
class PublishTimePast(DomainError):
    """The time at which the post should be published has passed."""

    target_id: int | None


@dataclass(eq=False)
class InvalidAmount(DomainError):
    """The amount in minor units is not between 1 and `db.money.MAX_AMOUNT`."""

    amount: int


@dataclass(eq=False)
class TermsChanged(DomainError):
    """The channel's terms have changed since the person agreed. The price is in minor units."""

    channel_id: int
    price: int
    promised_hours: int


@dataclass(eq=False)
class InvalidText(DomainError):
    """The text is empty or too long. Lengths are in UTF-16 units, in which Telegram counts."""

    field: str
    limit: int
    length: int


@dataclass(eq=False)
class InvalidCreative(DomainError):
    """Telegram would not accept the ad in this form."""

    field: str
    why: str


@dataclass(eq=False)
class InvalidTerms(DomainError):
    """A value in the terms of a channel is out of range."""

    field: str


@dataclass(eq=False)
class IdempotencyConflict(DomainError):
    """The idempotency key was used before with other content."""

    key: str


@dataclass(eq=False)
class InvalidTransfer(DomainError):
    """The transfer is wrong, because a leg names an unknown wallet, or the legs do not sum to zero.

    A leg is one signed amount for one wallet. It is also wrong to name a wallet in two legs.
    """

    why: str


@dataclass(eq=False)
class CurrencyMismatch(DomainError):
    """The currency differs from the currency of the wallet."""

    expected: str
    got: str


@dataclass(eq=False)
class PostNotProven(DomainError):
    """There is no proof that the post stayed for its promised hours."""

    target_id: int
    why: str


@dataclass(eq=False)
class PostNotFailed(DomainError):
    """The post cannot be refunded, because it has neither failed nor been cancelled."""

    target_id: int
    status: str


@dataclass(eq=False)
class EscrowNotHeld(DomainError):
    """The target (a placement) has no held escrow. `status` is None if it never had an escrow."""

    target_id: int
    status: str | None


@dataclass(eq=False)
class IncidentOpen(DomainError):
    """The incident that stopped the switch is still open."""

    incident_id: int


@dataclass(eq=False)
class NotChecked(DomainError):
    """No check of the whole ledger that began after the incident and the last repair has passed."""

    incident_id: int


@dataclass(eq=False)
class SamePerson(DomainError):
    """The actor may not do this act, because the same person did the previous act."""

    action: str


@dataclass(eq=False)
class NotCorrectable(DomainError):
    """The fault that the correction would repair is not in the ledger, or not any more."""

    kind: str
    id: int
