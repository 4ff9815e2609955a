"""Define the conditions of alerts. While a condition is met, its alert is firing.

The scheduler and the bot compare the conditions with the facts of `operation_facts`, and notify the
admin chat. `deploy/prometheus/alerts.yml` has the same conditions for Prometheus; a test compares
both.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

DATABASE_AWAY = "database_away"
"""The name of the alert that a bot sends by itself, because it cannot be stored."""
Watcher = Literal["bot", "scheduler", "prometheus"]


@dataclass(frozen=True)
class Condition:
    """A condition: a fact that must not be above a limit."""

    name: str
    fact: str
    """The name of the fact, which is also the name of its gauge after the prefix `adtech_`."""
    command: str
    """The first command that the reader of the alert types, where the alert is read.

    It is a command of the admin chat, unless no bot answers there or only a shell has it.
    """
    above: float = 0.0
    """The condition is met while the fact is above this limit."""
    lasting: timedelta = timedelta()
    """How long the fact must be above the limit before the alert fires."""
    watcher: Watcher = "scheduler"
    """The program that compares the fact. The bot watches only the scheduler.

    Prometheus alone compares what the admin chat reads at once in another message.
    """
    urgent: bool = False
    """Whether the alert is also sent on the alert routes (ALERT_WEBHOOK_URL, ALERT_SMTP_URL)."""
    own_notice: bool = False
    """Whether another message already says this in the admin chat, with the details."""
    counted: str = ""
    """The expression of Prometheus, if the fact is counted in several processes."""

    @property
    def expression(self) -> str:
        """The expression of Prometheus, which is true while the fact is above the limit."""
        return self.counted or f"max(adtech_{self.fact}) > {self.above:g}"

    @property
    def shell_command(self) -> str:
        """The first command for people who do not read the admin chat, who have a shell."""
        if self.command.startswith("adtech "):
            return self.command
        name, _, argument = self.command.removeprefix("/").partition(" ")
        return f"adtech {_IN_SHELL.get(name, name)} {argument}".rstrip()

    @property
    def rule(self) -> str:
        """The name of the condition's rule in Prometheus."""
        return "".join(word.capitalize() for word in self.name.split("_"))


_IN_SHELL = {"queue": "health", "ledger": "check", "killswitch": "killswitch list"}
"""The commands of `adtech` that show what a command of the admin chat with another name shows."""
_MINUTE = timedelta(minutes=1)

CONDITIONS = (
    # Counted by each process, and added up from the heartbeats. Of the safety plan and SPEC §10.
    # From samples every 15 s, Prometheus estimates a third more events in a minute than there were:
    # 1.3 for one, 2.7 for two.
    Condition(
        "conflicts",
        "conflicts",
        "/health",
        above=1,
        counted="sum(increase(adtech_conflicts_total[1m])) > 2",
    ),
    Condition(
        "approve_failures",
        "approve_failures",
        "/queue",
        counted='sum(increase(adtech_operations_total{operation="approve",outcome="failed"}[5m]))'
        " > 0",
    ),
    Condition(
        "approve_timeouts",
        "approve_timeouts",
        "/health",
        counted='sum(increase(adtech_operations_total{operation="approve",outcome="timeout"}[5m]))'
        " > 0",
    ),
    Condition(
        "hold_failures",
        "hold_failures",
        "/ledger",
        counted='sum(increase(adtech_operations_total{operation="hold",outcome=~"failed|timeout"}'
        "[5m])) > 0",
    ),
    Condition(
        "approve_slow",
        "approve_slow_share",
        "/health",
        above=0.05,
        counted="histogram_quantile(0.95, sum by (le)"
        ' (rate(adtech_operation_seconds_bucket{operation="approve"}[5m]))) > 0.5'
        ' and sum(increase(adtech_operation_seconds_count{operation="approve"}[5m])) >= 10',
    ),
    Condition(
        "telegram_errors",
        "telegram_errors",
        "/health",
        above=5,
        lasting=timedelta(seconds=20),
        urgent=True,
        counted="sum(increase(adtech_telegram_errors_total[1m])) > 7",
    ),
    Condition(
        "poller_displaced",
        "poll_conflicts",
        "/health",
        above=1,
        counted="sum(increase(adtech_poll_conflicts_total[1m])) > 2",
    ),
    Condition(
        "redis_away",
        "redis_away",
        "/health",
        lasting=timedelta(seconds=15),
        counted="max(adtech_redis_away) > 0",
    ),
    # No row can be stored about it. So the bot tells it by itself (`bot/process_watch.py`).
    Condition(
        DATABASE_AWAY,
        "database_away",
        "adtech health",
        lasting=timedelta(seconds=20),
        watcher="bot",
        urgent=True,
    ),
    Condition(
        "webhook_foreign",
        "webhook_foreign",
        "/health",
        urgent=True,
        counted="max(adtech_webhook_foreign) > 0",
    ),
    # Incidents, about which other messages have the details.
    Condition("ledger_violation", "ledger_incidents", "/ledger", urgent=True, own_notice=True),
    Condition(
        "audit_chain_broken",
        "audit_chain_incidents",
        "adtech verify-ledger",
        urgent=True,
        own_notice=True,
    ),
    Condition("telegram_down", "telegram_incidents", "/health", urgent=True, own_notice=True),
    # Read from the database.
    Condition("dead_letters", "dead_letters", "/dlq"),
    Condition("uncertain_posts", "posts_uncertain", "/report uncertain", lasting=_MINUTE),
    Condition("escrows_late", "escrows_late", "/report held", lasting=2 * _MINUTE),
    Condition("refunds_late", "refunds_late", "/killswitch", lasting=_MINUTE),
    # The redirect stores them when PostgreSQL is back, and Prometheus reads them from itself.
    Condition(
        "clicks_lost",
        "clicks_lost_recently",
        "/health",
        counted="sum(increase(adtech_clicks_lost_total[10m])) > 0",
    ),
    # The admin chat reads the card of each wait at once, and again each day.
    Condition(
        "payouts_wait",
        "payout_waits_oldest_seconds",
        "/report held",
        above=86_400,
        watcher="prometheus",
    ),
    Condition("returns_late", "returns_oldest_seconds", "/report returns", above=900),
    Condition("switch_missing", "switches_missing", "/killswitch", urgent=True),
    # Each stop is told to the admin chat at once, and a stopped product is well.
    Condition(
        "switch_stopped",
        "switch_running",
        "/killswitch",
        watcher="prometheus",
        counted="min by (switch) (adtech_switch_running) == 0",
    ),
    # The sandbox can move the database's clock forward. So these facts have to last.
    Condition(
        "ledger_check_late",
        "ledger_check_age_seconds",
        "/ledger",
        above=180,
        lasting=2 * _MINUTE,
        urgent=True,
    ),
    Condition("inbox_late", "inbox_oldest_seconds", "adtech health", above=60, urgent=True),
    Condition(
        "alarms_late",
        "alarms_oldest_seconds",
        "/health",
        above=45,
        lasting=timedelta(seconds=15),
        urgent=True,
    ),
    # Each kind of process watches the other.
    Condition("bot_missing", "bots_missing", "adtech health", urgent=True),
    Condition(
        "scheduler_missing",
        "schedulers_missing",
        "/health",
        # Prometheus that has just started has no series yet. The bot tells the chat without delay.
        lasting=timedelta(seconds=30),
        watcher="bot",
        urgent=True,
        counted="max(adtech_schedulers_missing) > 0 or absent(adtech_ledger_check_age_seconds)",
    ),
)

BY_NAME = {condition.name: condition for condition in CONDITIONS}


def watched_by(watcher: Watcher) -> tuple[Condition, ...]:
    """Return the conditions that one kind of process compares."""
    return tuple(condition for condition in CONDITIONS if condition.watcher == watcher)
