"""What can be wrong, as facts. No text: `bot.errors` says each of them in the person's language."""

from dataclasses import dataclass, fields


class DomainError(Exception):
    """The parent of every refusal. Carries ids, amounts and words of the product, never texts.

    Subclasses are dataclasses that are not frozen: Python itself writes `__traceback__`.
    """

    def __str__(self) -> str:
        """Say the class and its fields, safe for a log."""
        facts = ", ".join(
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)  # type: ignore[arg-type]  # every subclass is a dataclass
        )
        return f"{type(self).__name__}({facts})"


@dataclass(eq=False)
class AccessDenied(DomainError):
    """The actor lacks the role, or speaks from the wrong chat."""

    action: str


@dataclass(eq=False)
class NotCampaignOwner(DomainError):
    """The campaign is somebody else's."""

    campaign_id: int


@dataclass(eq=False)
class NotChannelOwner(DomainError):
    """The channel is somebody else's."""

    channel_id: int


@dataclass(eq=False)
class NotWithdrawalOwner(DomainError):
    """The withdrawal is somebody else's."""

    withdrawal_id: int


@dataclass(eq=False)
class OwnMoney(DomainError):
    """Nobody decides on their own money (as advertiser or owner of a target, or of a wallet)."""

    target_id: int


@dataclass(eq=False)
class NotFound(DomainError):
    """No such row."""

    thing: str
    id: int | str


@dataclass(eq=False)
class InvalidMove(DomainError):
    """The thing is not in a state from which this can be done."""

    thing: str
    id: int
    status: str
    wanted: str


@dataclass(eq=False)
class SwitchStopped(DomainError):
    """A kill switch stops this."""

    key: str


@dataclass(eq=False)
class InsufficientFunds(DomainError):
    """The wallet holds less than is needed. Minor units."""

    user_id: int | None
    needed: int
    balance: int
    currency: str


@dataclass(eq=False)
class BudgetExceeded(DomainError):
    """The price passes what is left of the campaign's budget. Minor units."""

    campaign_id: int
    left: int
    price: int


@dataclass(eq=False)
class CampaignNotActive(DomainError):
    """Placements are bought, approved and posted for active campaigns only."""

    campaign_id: int
    status: str


@dataclass(eq=False)
class ChannelNotUsable(DomainError):
    """The channel takes no placements now."""

    channel_id: int
    status: str


@dataclass(eq=False)
class ChannelTaken(DomainError):
    """The channel is connected by another person."""

    chat_id: int


@dataclass(eq=False)
class PersonBlocked(DomainError):
    """A person of this placement is blocked."""

    user_id: int


@dataclass(eq=False)
class PublishTimePast(DomainError):
    """The time to publish is over."""

    target_id: int | None


@dataclass(eq=False)
class InvalidAmount(DomainError):
    """Not an amount that can move: whole minor units, 1 to `db.money.MAX_AMOUNT`."""

    amount: int


@dataclass(eq=False)
class TermsChanged(DomainError):
    """The channel's terms are others by now than the person has agreed to. Minor units, hours."""

    channel_id: int
    price: int
    promised_hours: int


@dataclass(eq=False)
class InvalidText(DomainError):
    """A text is empty or too long; lengths in UTF-16 units as Telegram counts."""

    field: str
    limit: int
    length: int


@dataclass(eq=False)
class InvalidCreative(DomainError):
    """The ad cannot be published as it is."""

    field: str
    why: str


@dataclass(eq=False)
class InvalidTerms(DomainError):
    """A channel's terms are out of range."""

    field: str


@dataclass(eq=False)
class IdempotencyConflict(DomainError):
    """The key was used before with other content."""

    key: str


@dataclass(eq=False)
class InvalidTransfer(DomainError):
    """Legs that are no transfer: not zero in sum, or a wallet unknown or named twice."""

    why: str


@dataclass(eq=False)
class CurrencyMismatch(DomainError):
    """Another currency than the wallet's."""

    expected: str
    got: str


@dataclass(eq=False)
class PostNotProven(DomainError):
    """The post is not proven to have stayed as promised."""

    target_id: int
    why: str


@dataclass(eq=False)
class PostNotFailed(DomainError):
    """Only a post that failed or was cancelled is refunded."""

    target_id: int
    status: str


@dataclass(eq=False)
class EscrowNotHeld(DomainError):
    """No money is held for the target; status is null where it never was."""

    target_id: int
    status: str | None


@dataclass(eq=False)
class IncidentOpen(DomainError):
    """The switch was stopped by an incident that is still open."""

    incident_id: int


@dataclass(eq=False)
class NotChecked(DomainError):
    """No clean check of the whole ledger has begun since the incident and the last repair."""

    incident_id: int


@dataclass(eq=False)
class SamePerson(DomainError):
    """The act needs another person than the one who did the act before it."""

    action: str


@dataclass(eq=False)
class NotCorrectable(DomainError):
    """The books are not, or not any more, as the correction would have them."""

    kind: str
    id: int
