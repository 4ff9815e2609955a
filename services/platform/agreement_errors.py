"""Define the errors about the answers of channel owners to placements."""

from dataclasses import dataclass

from services.platform.errors import DomainError


@dataclass(eq=False)
class NotAgreed(DomainError):
    """The channel's owner has not accepted the placement yet."""

    target_id: int


@dataclass(eq=False)
class AlreadyAnswered(DomainError):
    """The owner has given another answer to the placement before."""

    target_id: int
    answer: str


@dataclass(eq=False)
class AnswerTooLate(DomainError):
    """The time in which the owner could answer is over."""

    target_id: int
