"""Define the errors about what Telegram says about a channel."""

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
