"""Define the errors with which the launch refuses to go on."""

from dataclasses import dataclass

from services.platform.errors import DomainError


@dataclass(eq=False)
class LaunchNotBegun(DomainError):
    """No phase of the launch has begun."""


@dataclass(eq=False)
class LaunchPhasePassed(DomainError):
    """A phase of the launch has passed already, and no phase runs twice."""

    phase: int


@dataclass(eq=False)
class LaunchCheckOpen(DomainError):
    """The launch does not go on, because a check of a phase has not passed."""

    phase: int
    check: str
