"""Define the errors with which services refuse an act, for example a payment by a blocked person.

An error has no text: `bot.errors` renders each error in the language of the person.
"""

from dataclasses import dataclass, fields
from datetime import datetime


class DomainError(Exception):
    """The base class of all errors with which a service refuses an act.

    An error contains ids, amounts and fixed words. It contains no text for people. Subclasses are
    dataclasses, but not frozen ones, because Python writes `__traceback__` into a raised error.
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
class AdminChatPublic(DomainError):
    """The admin chat is a public group. Acts of the staff are refused until it is private again."""


@dataclass(eq=False)
class AdminChatNotMoved(DomainError):
    """No move of the admin chat to this chat can be confirmed, or Telegram denies the move."""


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

    The actor is the advertiser or the owner of the target, or is the user about whom the decision
    is made. (A target is a placement, that is, one purchase of a post in one channel.)
    """

    target_id: int


@dataclass(eq=False)
class NotFound(DomainError):
    """The row does not exist, or the actor may not see it."""

    thing: str
    id: int | str


@dataclass(eq=False)
class InvalidMove(DomainError):
    """The status of the row may not change to the wanted status."""

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
    """The price of a placement is above the unspent budget `left` of its campaign.

    Amounts are in minor units.
    """

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
    """A person whom the act concerns is blocked."""

    user_id: int


@dataclass(eq=False)
class PublishTimePast(DomainError):
    """The time at which the post should be published has passed."""

    target_id: int | None


@dataclass(eq=False)
class PublishTimeTooFar(DomainError):
    """The time at which the post should be published is further away than the settings allow.

    `latest` is the latest allowed time, with a time zone.
    """

    latest: datetime


@dataclass(eq=False)
class InvalidAmount(DomainError):
    """The amount in minor units is not between 1 and `db.money.MAX_AMOUNT`."""

    amount: int


@dataclass(eq=False)
class TermsChanged(DomainError):
    """The channel's terms have changed since the advertiser agreed to them.

    `price` (in minor units) and `promised_hours` are the present terms.
    """

    channel_id: int
    price: int
    promised_hours: int


@dataclass(eq=False)
class InvalidText(DomainError):
    """The text is empty or too long.

    Lengths of ads, buttons, names and topics are in UTF-16 units, in which Telegram counts. Lengths
    of reasons and references are in characters.
    """

    field: str
    limit: int
    length: int


@dataclass(eq=False)
class InvalidCreative(DomainError):
    """Telegram would not accept the ad in this form, or the ad links to a forbidden address.

    `why` is a fixed word for the reason.
    """

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
    """The ledger refuses the transfer, because its legs are wrong.

    A leg is one signed amount for one wallet. The legs are wrong if they do not sum to zero, if a
    wallet is unknown, or if two legs have the same wallet.
    """

    why: str


@dataclass(eq=False)
class CurrencyMismatch(DomainError):
    """The currency of an amount differs from the currency of the wallet."""

    expected: str
    got: str


@dataclass(eq=False)
class PaymentMismatch(DomainError):
    """The payment differs from its invoice or from its recorded deposit.

    `key` is the id that Telegram or another provider gave the payment. `expected` says what the
    invoice or the deposit contains, and `got` says what the payment contains: an amount in minor
    units, a currency, or both.
    """

    key: str
    expected: str
    got: str


@dataclass(eq=False)
class SecondPersonNeeded(DomainError):
    """One person alone may not record this payment of a withdrawal.

    Nobody has approved the withdrawal yet, or it has already been paid or returned.
    """

    withdrawal_id: int
    status: str


@dataclass(eq=False)
class PaymentClaimed(DomainError):
    """Another admin, with this Telegram id, is paying the withdrawal now."""

    withdrawal_id: int
    telegram_id: int


@dataclass(eq=False)
class NotCompared(DomainError):
    """Deposits in Stars that may pay this withdrawal are not compared with Telegram's list yet."""

    withdrawal_id: int


@dataclass(eq=False)
class OpenLoss(DomainError):
    """The person has caused a loss to the platform and has not repaid the amount `needed`.

    The cause is a reversed deposit or a payment in excess. The amount is in minor units.
    """

    user_id: int
    needed: int
    currency: str


@dataclass(eq=False)
class PostNotProven(DomainError):
    """Nothing proves that the post is or was in the channel as promised. `why` is a fixed word."""

    target_id: int
    why: str


@dataclass(eq=False)
class PostNotFailed(DomainError):
    """The escrow cannot be refunded, because its post has neither failed nor been cancelled."""

    target_id: int
    status: str


@dataclass(eq=False)
class EscrowNotHeld(DomainError):
    """The target (a placement) has no held escrow. `status` is None if it has no escrow."""

    target_id: int
    status: str | None


@dataclass(eq=False)
class IncidentOpen(DomainError):
    """An incident is still open, and its kill switches may not run before it is closed."""

    incident_id: int


@dataclass(eq=False)
class InvariantBroken(DomainError):
    """The incident cannot be closed yet, because an invariant is still broken."""

    incident_id: int


@dataclass(eq=False)
class NotChecked(DomainError):
    """The incident cannot be closed yet, because a check of the whole ledger is missing.

    This check must begin after the incident and after the last repair, and must find no violation.
    """

    incident_id: int


@dataclass(eq=False)
class SamePerson(DomainError):
    """The actor may not do this act, because the same person did an earlier act on the same thing.

    For example, the proposer of a correction may not confirm it.
    """

    action: str


@dataclass(eq=False)
class NotAcknowledged(DomainError):
    """A second person cannot confirm the request.

    Its requester has not pressed "That was me" yet, or its act needs no second person.
    """

    request_id: int


@dataclass(eq=False)
class ProposalEnded(DomainError):
    """The proposal can no longer be confirmed: it is too old, or its proposer has lost the role.

    The role is the one that a person needs to make such a proposal.
    """

    thing: str
    id: int


@dataclass(eq=False)
class NotCorrectable(DomainError):
    """The correction is not possible, for example because the ledger does not have this fault."""

    kind: str
    id: int
