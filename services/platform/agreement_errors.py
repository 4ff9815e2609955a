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
class VersionChanged(DomainError):
    """The placement has another version than the one that the person has seen."""

    target_id: int


@dataclass(eq=False)
class NothingChanged(DomainError):
    """The new version of a placement is the same as the present one."""

    target_id: int


@dataclass(eq=False)
class TooManyChanges(DomainError):
    """A placement had as many versions, or requests for a change, as are allowed."""

    target_id: int


@dataclass(eq=False)
class AnswerTooLate(DomainError):
    """The time in which the owner could answer is over."""

    target_id: int


@dataclass(eq=False)
class CancelTooLate(DomainError):
    """The post of an approved placement is due so soon that it cannot be cancelled any more."""

    target_id: int


@dataclass(eq=False)
class NoRule(DomainError):
    """The owner of a channel is asked about each ad, so there is no rule to change."""

    channel_id: int


@dataclass(eq=False)
class TopicInUse(DomainError):
    """The topic of an ad cannot change while a placement with it waits for a decision."""

    campaign_id: int
