"""Define the errors of the domain.

An error has no text: `bot.errors` renders each of them in the language of the person.
"""

from dataclasses import dataclass, fields


class DomainError(Exception):
    """The base class of every refusal; it holds ids, amounts and our own words, and never texts.

    Subclasses are dataclasses that are not frozen, because Python itself writes `__traceback__`.
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
    """The actor would decide on their own money, as a target's advertiser or owner or as a user."""

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
    """The kill switch of this act is stopped."""

    key: str


@dataclass(eq=False)
class InsufficientFunds(DomainError):
    """The balance of the wallet is less than the needed amount; amounts in minor units."""

    user_id: int | None
    needed: int
    balance: int
    currency: str


@dataclass(eq=False)
class BudgetExceeded(DomainError):
    """The price is above the unspent budget of the campaign; amounts in minor units."""

    campaign_id: int
    left: int
    price: int


@dataclass(eq=False)
class CampaignNotActive(DomainError):
    """The campaign is not active, and the act needs an active one."""

    campaign_id: int
    status: str


@dataclass(eq=False)
class ChannelNotUsable(DomainError):
    """The channel cannot take placements in its present status."""

    channel_id: int
    status: str


@dataclass(eq=False)
class ChannelTaken(DomainError):
    """The channel is already connected by another person."""

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
    """The channel's terms have changed since the person agreed; price in minor units."""

    channel_id: int
    price: int
    promised_hours: int


@dataclass(eq=False)
class InvalidText(DomainError):
    """The text is empty or too long; lengths in UTF-16 units, as Telegram counts them."""

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
    """The legs do not sum to zero, or a wallet is unknown or named twice."""

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
    """The post has neither failed nor been cancelled, so that it cannot be refunded."""

    target_id: int
    status: str


@dataclass(eq=False)
class EscrowNotHeld(DomainError):
    """The target has no held escrow; `status` is None if it never had an escrow."""

    target_id: int
    status: str | None


@dataclass(eq=False)
class IncidentOpen(DomainError):
    """The incident that stopped the switch is still open."""

    incident_id: int


@dataclass(eq=False)
class NotChecked(DomainError):
    """No check of the whole ledger has begun and passed since the incident and the last repair."""

    incident_id: int


@dataclass(eq=False)
class SamePerson(DomainError):
    """The act needs a different person from the one who did the previous act."""

    action: str


@dataclass(eq=False)
class NotCorrectable(DomainError):
    """The books do not have, or no longer have, the fault that the correction would repair."""

    kind: str
    id: int
