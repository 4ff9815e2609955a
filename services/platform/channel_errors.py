"""Define the errors about a channel's timer, connection, managers and waiting payouts."""

from dataclasses import dataclass

from services.platform.errors import DomainError


@dataclass(eq=False)
class PromiseTooLong(DomainError):
    """The channel's auto-delete timer removes a post before its promised hours are over.

    `limit` is the largest number of hours that can be promised.
    """

    channel_id: int
    promised_hours: int
    limit: int


@dataclass(eq=False)
class TimerTooShort(DomainError):
    """The channel's auto-delete timer would remove the post of a placement before its end.

    `limit` is the largest number of hours that a post can promise with this timer.
    """

    target_id: int
    limit: int


@dataclass(eq=False)
class ConnectYourself(DomainError):
    """Somebody has connected the channel, so only its present creator can connect it anew."""

    chat_id: int


@dataclass(eq=False)
class ConnectionLinkWrong(DomainError):
    """The link to a connection cannot be used. `why` is `unknown`, `used` or `expired`."""

    why: str


@dataclass(eq=False)
class ManagerNotStarted(DomainError):
    """A person who has not started the bot, or is blocked, cannot become a manager."""

    channel_id: int


@dataclass(eq=False)
class ManagerEnded(DomainError):
    """A manager of a channel is not its administrator any more."""

    channel_id: int


@dataclass(eq=False)
class PayoutWaits(DomainError):
    """A release waits for an admin, because the channel has another creator than its owner."""

    target_id: int


@dataclass(eq=False)
class InviteLinkWrong(DomainError):
    """A text is no invite link of Telegram."""


@dataclass(eq=False)
class OwnChannel(DomainError):
    """An advertiser's own channel is left out when placements in several channels are bought."""

    channel_id: int


@dataclass(eq=False)
class FormatNotSold(DomainError):
    """The channel does not sell the format that was chosen for several channels."""

    channel_id: int
