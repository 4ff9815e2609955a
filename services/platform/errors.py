"""Define the errors with which services refuse an act, for example a payment by a blocked person.

An error has no text. `bot.errors` writes a text for each error in the person's language.
"""

from dataclasses import dataclass, fields
from datetime import datetime


class DomainError(Exception):
    """The base class of all errors with which a service refuses an act.

    An error contains ids, amounts and fixed words. It contains no text for people. Subclasses are
    dataclasses. They are not frozen, because Python sets `__traceback__` when it raises an error.
    """

    def __str__(self) -> str:
        """Return the name of the class and its fields in a form that is safe for a log."""
        facts = ", ".join(
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)  # type: ignore[arg-type]  # every subclass is a dataclass
        )
        return f"{type(self).__name__}({facts})"


@dataclass(eq=False)
class AccessDenied(DomainError):
    """The actor does not have the role that the act needs, or acts outside the admin chat."""

    action: str


@dataclass(eq=False)
class AdminChatPublic(DomainError):
    """The admin chat is a public group. All acts of the staff are refused until it is private."""


@dataclass(eq=False)
class AdminChatNotMoved(DomainError):
    """No move to this chat waits for a confirmation, or Telegram denies the move.

    A move means that Telegram gave the admin chat a new id, because it became a supergroup.
    """


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
    """The decision is about the actor's own money, so the actor is not allowed to make it.

    The actor is the advertiser or the owner of the target (a placement), or the user about whom the
    decision is made.
    """

    target_id: int


@dataclass(eq=False)
class NotFound(DomainError):
    """The row does not exist, or the actor is not allowed to see it."""

    thing: str
    id: int | str


@dataclass(eq=False)
class InvalidMove(DomainError):
    """The status of the row is not allowed to change to the wanted status."""

    thing: str
    id: int
    status: str
    wanted: str


@dataclass(eq=False)
class SwitchStopped(DomainError):
    """The kill switch that allows this kind of act is stopped."""

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
    """The price of a placement is higher than the rest of the campaign's budget.

    `left` is the rest of the budget. Amounts are in minor units.
    """

    campaign_id: int
    left: int
    price: int


@dataclass(eq=False)
class CampaignNotActive(DomainError):
    """The act needs an active campaign, and the campaign is not active."""

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
    """The act concerns a person who is blocked."""

    user_id: int


@dataclass(eq=False)
class PublishTimePast(DomainError):
    """The time at which the post should be published is in the past."""

    target_id: int | None


@dataclass(eq=False)
class PublishTimeTooFar(DomainError):
    """The time at which the post should be published is later than the settings allow.

    `latest` is the latest allowed time, with a time zone.
    """

    latest: datetime


@dataclass(eq=False)
class InvalidAmount(DomainError):
    """The amount in minor units is not between 1 and `db.money.MAX_AMOUNT`."""

    amount: int


@dataclass(eq=False)
class TermsChanged(DomainError):
    """The channel's terms are not the terms that the advertiser agreed to.

    `price` (in minor units) and `promised_hours` (how long a post must stay) are the present terms.
    """

    channel_id: int
    price: int
    promised_hours: int


@dataclass(eq=False)
class InvalidText(DomainError):
    """The text is empty or too long.

    For ads, buttons, names and topics, lengths are in UTF-16 units, as Telegram counts. For reasons
    and references, lengths are in characters.
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
    """A value in the terms of a channel is too low or too high."""

    field: str


@dataclass(eq=False)
class IdempotencyConflict(DomainError):
    """The idempotency key (the unique name of an act) was already used with other content."""

    key: str


@dataclass(eq=False)
class InvalidTransfer(DomainError):
    """The ledger refuses the transfer, because its legs are wrong.

    A leg is one signed amount for one wallet. The legs are wrong in three cases: they do not sum to
    zero, a wallet is unknown, or two legs have the same wallet.
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

    `key` is the id that Telegram or another provider gave the payment. `expected` is what the
    invoice or the deposit contains. `got` is what the payment contains. Each value is a text, for
    example an amount in minor units with its currency.
    """

    key: str
    expected: str
    got: str


@dataclass(eq=False)
class SecondPersonNeeded(DomainError):
    """A second person must confirm this payment of a withdrawal.

    The reason: nobody has approved the withdrawal, or it has already been paid or returned.
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
    """The withdrawal has to wait until its deposits are compared with Telegram's list.

    These are deposits in Stars that can be a source of the withdrawal's money.
    """

    withdrawal_id: int


@dataclass(eq=False)
class OpenLoss(DomainError):
    """The person owes the amount `needed` to the platform.

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
    """The escrow cannot be refunded: its post has not failed and was not cancelled."""

    target_id: int
    status: str


@dataclass(eq=False)
class EscrowNotHeld(DomainError):
    """The target (a placement) has no held escrow. `status` is None if it has no escrow at all."""

    target_id: int
    status: str | None


@dataclass(eq=False)
class IncidentOpen(DomainError):
    """An incident is open. Until it is closed, the kill switches that it stopped cannot run."""

    incident_id: int


@dataclass(eq=False)
class InvariantBroken(DomainError):
    """The incident cannot be closed now, because an invariant is broken.

    An invariant is a statement that must always be true, for example about balances.
    """

    incident_id: int


@dataclass(eq=False)
class NotChecked(DomainError):
    """The incident cannot be closed now, because a check of the whole ledger is missing.

    This check must begin after the incident and after the last repair. It must find no violation.
    """

    incident_id: int


@dataclass(eq=False)
class SamePerson(DomainError):
    """The act needs another person, because the actor did an earlier act on the same thing.

    For example, the proposer of a correction is not allowed to confirm this correction.
    """

    action: str


@dataclass(eq=False)
class NotAcknowledged(DomainError):
    """A second person cannot confirm the request now.

    The requester has not pressed the button "That was me", or the act needs no second person.
    """

    request_id: int


@dataclass(eq=False)
class ProposalEnded(DomainError):
    """The proposal cannot be confirmed any more.

    The proposal is too old, or its proposer has lost the role that such a proposal needs.
    """

    thing: str
    id: int


@dataclass(eq=False)
class NotCorrectable(DomainError):
    """The correction is not possible, for example because the ledger does not have such a fault."""

    kind: str
    id: int
