"""Simulate owners who alter a post, and print how often they are paid in full.

Run as `python -m tests.benchmarks.alterations [--runs N] [--part MINUTES] [--grace-parts N]`. The
options replace SHORTEST_PART and GRACE_PARTS. The simulation uses the product's times of checks,
but no database and no Telegram.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.market import channels, escalations
from services.posts import check_times, verification

SENT = datetime(2030, 1, 1, tzinfo=UTC)
HOURS = (1, 2, 6, 12, 24, 72)
SHARES = (0.1, 0.25, 0.5)


@dataclass(frozen=True)
class Cheat:
    """An owner's own text stands from `begin` until `end`, if no check restores the ad before.

    If `locked_out` is True, the bot has no rights in this time.
    """

    begin: datetime
    end: datetime
    locked_out: bool = False


@dataclass(frozen=True)
class Outcome:
    """The result of one post for its owner and its advertiser."""

    share: float
    """The share of the promised hours in which the owner's text stood."""
    paid: bool
    """Whether the owner is paid without a decision of the admins."""
    reported: bool
    """Whether the advertiser reads about a change, or about a check without a result."""


def simulate(cheat: Cheat, hours: float) -> Outcome:
    """Check one post until the end of its promised hours, and return what its owner gets."""
    length = timedelta(hours=hours)
    ends_at = SENT + length
    moment = check_times.next_check_time(SENT, ends_at, SENT)
    stood_until, reported = min(cheat.end, ends_at), False
    while True:
        if cheat.begin <= moment < stood_until:
            reported = True
            if cheat.locked_out:
                # The check is made when the bot has its rights again, and the ad is back by then.
                moment = stood_until
                continue
            stood_until = moment
            moment += _wait(verification.RECHECK_INTERVAL)
            continue
        if moment >= ends_at:
            break
        planned = check_times.next_check_time(SENT, ends_at, moment)
        watch = moment + _wait(verification.WATCH_INTERVAL)
        moment = min(planned, watch) if reported and not cheat.locked_out else planned
    grace = max(escalations.SHORTEST_GRACE, length / escalations.GRACE_PARTS)
    breach = cheat.locked_out and cheat.end - cheat.begin >= min(channels.RIGHTS_GRACE, grace)
    return Outcome((stood_until - cheat.begin) / length, not breach, reported)


def _wait(longest: timedelta) -> timedelta:
    soonest = verification.SOONEST_RECHECK
    return soonest + (longest - soonest) * check_times.RANDOM.random()


def alter_at_once(_hours: float) -> Cheat:
    """Alter the post right after its publication, and leave it so."""
    return Cheat(SENT, datetime.max.replace(tzinfo=UTC))


def alter_for_a_while(hours: float, *, locked_out: bool = False) -> Cheat:
    """Alter the post at a random time, for a random time."""
    length = timedelta(hours=hours) * check_times.RANDOM.random()
    begin = SENT + (timedelta(hours=hours) - length) * check_times.RANDOM.random()
    return Cheat(begin, begin + length, locked_out)


def lock_out_for_a_while(hours: float) -> Cheat:
    """Alter the post behind a lock-out at a random time, for a random time."""
    return alter_for_a_while(hours, locked_out=True)


CHEATS: tuple[Callable[[float], Cheat], ...] = (
    alter_at_once,
    alter_for_a_while,
    lock_out_for_a_while,
)


def paid_shares(cheat: Callable[[float], Cheat], hours: float, *, runs: int) -> list[float]:
    """Return the share of owners that are paid although their text stood too long.

    The result has one number for each limit of SHARES, a part of the promised hours.
    """
    outcomes = [simulate(cheat(hours), hours) for _ in range(runs)]
    return [
        sum(outcome.paid and outcome.share > share for outcome in outcomes) / runs
        for share in SHARES
    ]


def main() -> None:
    """Print a table of all cheats and promised hours."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--part", type=float, help="SHORTEST_PART in minutes")
    parser.add_argument("--grace-parts", type=float, help="GRACE_PARTS")
    options = parser.parse_args()
    if options.part:
        check_times.SHORTEST_PART = timedelta(minutes=options.part)
    if options.grace_parts:
        escalations.GRACE_PARTS = options.grace_parts
    for cheat in CHEATS:
        name = cheat.__name__
        _print(f"{name}: paid in full, altered for over 10 %, 25 %, 50 % of the hours")
        for hours in HOURS:
            shares = paid_shares(cheat, hours, runs=options.runs)
            _print(f"{hours:4} h  " + "  ".join(f"{share:6.1%}" for share in shares))


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
