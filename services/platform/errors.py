"""Define the errors with which services refuse an act."""

from dataclasses import dataclass, fields
from datetime import datetime


class DomainError(Exception):
    """The base class of the errors with which a service refuses an act.

    Its fields are ids, amounts and fixed words.
    """

    def __str__(self) -> str:
        facts = ", ".join(
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)  # type: ignore[arg-type]  # every subclass is a dataclass
        )
        return f"{type(self).__name__}({facts})"


@dataclass(eq=False)
class AccessDenied(DomainError):
    """The actor does not have the needed role, or acts outside the admin chat."""

    action: str


@dataclass(eq=False)
class AdminChatPublic(DomainError):
    """The staff cannot act until the public admin chat is private."""


@dataclass(eq=False)
class AdminChatNotMoved(DomainError):
    """No new id of the admin chat waits for a confirmation, or Telegram denies the new id."""


@dataclass(eq=False)
class NotTester(DomainError):
    """The person is not marked as a tester."""

    user_id: int


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
    """The actor must not decide about the actor's own money."""

    target_id: int


@dataclass(eq=False)
class NotFound(DomainError):
    """The row does not exist, or the actor must not see the row."""

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
    """The balance of the wallet is less than the needed amount, in minor units."""

    user_id: int | None
    needed: int
    balance: int
    currency: str


@dataclass(eq=False)
class BudgetExceeded(DomainError):
    """The price of a placement is higher than `left`, the rest of the budget, in minor units."""

    campaign_id: int
    left: int
    price: int


@dataclass(eq=False)
class CampaignNotActive(DomainError):
    """The campaign is not active."""

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
    """The time of publication is in the past."""

    target_id: int | None


@dataclass(eq=False)
class PublishTimeTooFar(DomainError):
    """The time of publication is later than `latest`, which has a time zone."""

    latest: datetime


@dataclass(eq=False)
class InvalidAmount(DomainError):
    """The amount in minor units is not between 1 and `db.money.MAX_AMOUNT`."""

    amount: int


@dataclass(eq=False)
class BelowMinimum(DomainError):
    """The amount of a withdrawal is below `least`, the smallest one, in minor units."""

    least: int


@dataclass(eq=False)
class TermsChanged(DomainError):
    """The channel's terms (price in minor units) differ from the terms that were agreed."""

    channel_id: int
    price: int
    promised_hours: int


@dataclass(eq=False)
class InvalidText(DomainError):
    """The text is empty or too long.

    Lengths of reasons and references are in characters, all other lengths in UTF-16 units.
    """

    field: str
    limit: int
    length: int


@dataclass(eq=False)
class InvalidCreative(DomainError):
    """Telegram would not accept the ad in this form, or the ad links to a forbidden address."""

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
    """The sum of the legs is not zero, a wallet is unknown, or two legs have the same wallet."""

    why: str


@dataclass(eq=False)
class CurrencyMismatch(DomainError):
    """The currency of an amount differs from the currency of the wallet."""

    expected: str
    got: str


@dataclass(eq=False)
class PaymentMismatch(DomainError):
    """The payment differs from its invoice or from its recorded deposit.

    `expected` and `got` are texts, for example an amount in minor units with a currency.
    """

    key: str
    expected: str
    got: str


@dataclass(eq=False)
class AmbiguousCharge(DomainError):
    """Several payments (`count`) match the id of a payment."""

    reference: str
    count: int


@dataclass(eq=False)
class SecondPersonNeeded(DomainError):
    """A second person must confirm a payment of an unapproved, paid or returned withdrawal."""

    withdrawal_id: int
    status: str


@dataclass(eq=False)
class ReasonNeeded(DomainError):
    """The second admin pays for a post that no check has seen only with a reason."""

    target_id: int


@dataclass(eq=False)
class TwoSuperAdminsNeeded(DomainError):
    """Only two super admins together block or unblock a person with a staff role."""

    user_id: int


@dataclass(eq=False)
class PaymentClaimed(DomainError):
    """Another admin, with this Telegram id, is paying the withdrawal now."""

    withdrawal_id: int
    telegram_id: int


@dataclass(eq=False)
class NotCompared(DomainError):
    """A deposit in Stars that can pay the withdrawal is not compared with Telegram's list."""

    withdrawal_id: int


@dataclass(eq=False)
class OpenLoss(DomainError):
    """The person owes the amount `needed` (minor units) to the platform."""

    user_id: int
    needed: int
    currency: str


@dataclass(eq=False)
class AdvertiserOwes(DomainError):
    """The advertiser of the placement owes the amount `needed` (minor units) to the platform."""

    target_id: int
    needed: int
    currency: str


@dataclass(eq=False)
class PostNotProven(DomainError):
    """Nothing proves that the post stayed in the channel as promised."""

    target_id: int
    why: str


@dataclass(eq=False)
class PostNotFailed(DomainError):
    """The escrow cannot be refunded: its post has not failed and was not cancelled."""

    target_id: int
    status: str


@dataclass(eq=False)
class EscrowNotHeld(DomainError):
    """The placement's escrow is not held. `status` is None if there is no escrow."""

    target_id: int
    status: str | None


@dataclass(eq=False)
class IncidentOpen(DomainError):
    """The kill switch cannot run while an incident is open."""

    incident_id: int


@dataclass(eq=False)
class InvariantBroken(DomainError):
    """The incident cannot be closed while rows in the database are wrong."""

    incident_id: int


@dataclass(eq=False)
class NotChecked(DomainError):
    """The incident cannot be closed without a check of the whole ledger.

    The check must begin after the incident and after the last repair.
    """

    incident_id: int


@dataclass(eq=False)
class GuardsDiffer(DomainError):
    """The incident cannot be closed while the database differs from the release."""

    incident_id: int
    guard: str
    """The first guard that differs, and how."""
    repair: str
    """The command that puts this guard back."""


@dataclass(eq=False)
class SamePerson(DomainError):
    """The actor did an earlier act on the same thing, so another person must do this act."""

    action: str


@dataclass(eq=False)
class NotAcknowledged(DomainError):
    """A second person cannot confirm the request now.

    The requester has not pressed "That was me", or the act needs no second person.
    """

    request_id: int


@dataclass(eq=False)
class ProposalEnded(DomainError):
    """The proposal is too old, or its proposer has lost the necessary role."""

    thing: str
    id: int


@dataclass(eq=False)
class NotCorrectable(DomainError):
    """The correction is not possible, for example because there is no such fault."""

    kind: str
    id: int
