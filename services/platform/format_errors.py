"""Define the errors about the formats in which channels sell posts."""

from dataclasses import dataclass

from services.platform.errors import DomainError


@dataclass(eq=False)
class LastFormat(DomainError):
    """The channel sells no other format, so it cannot stop selling this one."""

    channel_id: int


@dataclass(eq=False)
class TooManyFormats(DomainError):
    """The channel sells `limit` formats, and cannot sell one more."""

    limit: int
