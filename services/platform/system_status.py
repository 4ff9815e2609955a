"""Read what an on-call person asks first: what waits, since when, and what needs a human.

Each part is read by itself, so that one part that cannot be read hides no other part.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import INTERVAL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.session import is_away
from services.platform import heartbeats, killswitches

READ_SECONDS = 2.0
"""A part that takes longer is unknown."""
MINUTE = 60
CHECK_LATE = 5 * MINUTE
"""A check of the ledger that is older needs a human. The check runs every 30 seconds."""
CHAIN_LATE = 10 * MINUTE
INBOX_LATE = MINUTE
OUTBOX_LATE = 5 * MINUTE
POST_LATE = 10 * MINUTE
UNCERTAIN_LATE = 30 * MINUTE
REFUND_LATE = 10 * MINUTE
MOST_CONNECTIONS = 90
"""How many per cent of the server's connections may be in use."""


class State(StrEnum):
    """Whether a line of the status needs a human."""

    OK = "ok"
    ATTENTION = "LOOK"
    UNKNOWN = "unknown"


class Unit(StrEnum):
    """The unit of a value of the status."""

    COUNT = "count"
    SECONDS = "seconds"
    MONEY = "minor_units"
    TIME = "time"
    TEXT = "text"


@dataclass(frozen=True)
class Line:
    """One line of the status."""

    name: str
    value: Any
    """None if the value is unknown, or if there is nothing to show."""
    unit: Unit
    state: State
    detail: str | None = None


Judge = Callable[[Any], bool]


def _never(_value: Any) -> bool:
    return False


def _any(value: Any) -> bool:
    return bool(value)


def _none(value: Any) -> bool:
    return not value


def _above(limit: float) -> Judge:
    return lambda value: value is None or value > limit


@dataclass(frozen=True)
class _Part:
    """A query with one row. Each column of the row is a line, except the columns `..._detail`."""

    query: str
    lines: Mapping[str, tuple[Unit, Judge]]
    """The unit of each line, and whether a value needs a human."""


_AGE = "COALESCE(EXTRACT(EPOCH FROM {now} - min({since})), 0)::bigint"


def _age(since: str, now: str = "now()") -> str:
    """Build the SQL for the age of the oldest row in seconds, 0 without a row."""
    return f"GREATEST({_AGE.format(now=now, since=since)}, 0)"


PARTS: tuple[_Part, ...] = (
    _Part(
        """
        SELECT count(*) AS open_incidents,
            string_agg('#' || id || ' ' || kind || coalesce(': ' || broken.rules, ''), '; '
                ORDER BY id) AS open_incidents_detail,
            max(opened_at) FILTER (WHERE kind = 'telegram_down') AS telegram_down_since
        FROM incidents LEFT JOIN LATERAL (
            SELECT string_agg(rule || coalesce(' (' || refs.listed || ')', ''), ', ' ORDER BY rule)
                AS rules
            FROM jsonb_each(details) AS fault (rule, offenders) LEFT JOIN LATERAL (
                SELECT string_agg(offender ->> 'ref', ', ' ORDER BY number) AS listed
                FROM jsonb_array_elements(
                    CASE jsonb_typeof(offenders) WHEN 'array' THEN offenders ELSE '[]' END
                ) WITH ORDINALITY AS one (offender, number)
                WHERE number <= 5
            ) AS refs ON true
        ) AS broken ON true
        WHERE closed_at IS NULL
        """,
        {"open_incidents": (Unit.COUNT, _any), "telegram_down_since": (Unit.TIME, _any)},
    ),
    _Part(
        """
        SELECT count(*) AS alerts_firing,
            string_agg(name, ', ' ORDER BY changed_at, name) AS alerts_firing_detail
        FROM alerts WHERE firing
        """,
        {"alerts_firing": (Unit.COUNT, _any)},
    ),
    _Part(
        """
        SELECT EXTRACT(EPOCH FROM clock() - created_at)::bigint AS last_ledger_check_age,
            violations AS ledger_violations,
            (SELECT string_agg(rule || ': ' || count, ', ' ORDER BY rule)
                FROM jsonb_each_text(details) AS broken (rule, count)) AS ledger_violations_detail
        FROM (SELECT) AS one LEFT JOIN LATERAL (
            SELECT created_at, violations, details FROM ledger_checkpoints ORDER BY id DESC LIMIT 1
        ) AS last ON true
        """,
        {
            "last_ledger_check_age": (Unit.SECONDS, _above(CHECK_LATE)),
            "ledger_violations": (Unit.COUNT, _any),
        },
    ),
    _Part(
        f"""
        WITH last AS (SELECT * FROM audit_chain_links ORDER BY number DESC LIMIT 1)
        SELECT (SELECT created_at FROM last) AS last_audit_chain_link,
            (SELECT '#' || number FROM last) AS last_audit_chain_link_detail,
            (SELECT {_age("created_at", "clock()")} FROM ledger_entries
                WHERE txn >= COALESCE((SELECT upto_txn FROM last), {-(2**63)}))
                AS oldest_entry_without_link_age
        """,  # noqa: S608 - only constants of this module are put in
        {
            "last_audit_chain_link": (Unit.TIME, _never),
            "oldest_entry_without_link_age": (Unit.SECONDS, _above(CHAIN_LATE)),
        },
    ),
    _Part(
        """
        SELECT count(*) FILTER (WHERE beat_at > now() - interval '60 seconds') AS schedulers_alive,
            EXTRACT(EPOCH FROM now() - max(beat_at))::bigint AS scheduler_heartbeat_age
        FROM heartbeats WHERE name = 'scheduler'
        """,
        {
            "schedulers_alive": (Unit.COUNT, _none),
            "scheduler_heartbeat_age": (Unit.SECONDS, _above(MINUTE)),
        },
    ),
    _Part(
        # The bot that takes updates renews its lease every two seconds.
        f"""
        SELECT CASE
                WHEN held_until > now() THEN 'takes_updates'
                WHEN EXISTS (SELECT FROM heartbeats AS h WHERE h.name = '{heartbeats.BOT}'
                    AND h.beat_at > now() - interval
                        '{heartbeats.HEARTBEAT_LATE.total_seconds()} seconds')
                    THEN 'takes_no_updates'
                ELSE 'does_not_run'
            END AS bot, owner AS bot_detail
        FROM (SELECT) AS one LEFT JOIN leases ON name = 'polling'
        """,  # noqa: S608 - only constants are put in
        {"bot": (Unit.TEXT, lambda value: value != "takes_updates")},
    ),
    _Part(
        f"""
        SELECT count(*) AS inbox_waiting, {_age("received_at")} AS inbox_oldest_age
        FROM inbox WHERE done_at IS NULL AND failed_at IS NULL
        """,  # noqa: S608 - the same
        {
            "inbox_waiting": (Unit.COUNT, _never),
            "inbox_oldest_age": (Unit.SECONDS, _above(INBOX_LATE)),
        },
    ),
    _Part(
        """
        SELECT count(*) AS parked_payments FROM inbox WHERE failed_at IS NOT NULL
            AND payload -> 'message' ?| ARRAY['successful_payment', 'refunded_payment']
        """,
        {"parked_payments": (Unit.COUNT, _any)},
    ),
    _Part(
        f"""
        SELECT count(*) AS outbox_due, {_age("due_at")} AS outbox_oldest_age,
            string_agg(DISTINCT kind, ', ') FILTER (WHERE due_at < now() - interval '5 minutes')
                AS outbox_oldest_age_detail
        FROM outbox WHERE status = 'queued' AND due_at <= now()
        """,  # noqa: S608 - the same
        {
            "outbox_due": (Unit.COUNT, _never),
            "outbox_oldest_age": (Unit.SECONDS, _above(OUTBOX_LATE)),
        },
    ),
    _Part(
        f"""
        SELECT count(*) AS posts_due, {_age("due_at", "clock()")} AS posts_oldest_due_age
        FROM post_jobs WHERE status = 'queued' AND due_at <= clock()
        """,  # noqa: S608 - the same
        {
            "posts_due": (Unit.COUNT, _never),
            "posts_oldest_due_age": (Unit.SECONDS, _above(POST_LATE)),
        },
    ),
    _Part(
        """
        SELECT count(*) AS posts_sending,
            count(*) FILTER (WHERE lease_until < now() - interval '1 minute') AS posts_abandoned
        FROM post_jobs WHERE status = 'sending'
        """,
        {"posts_sending": (Unit.COUNT, _never), "posts_abandoned": (Unit.COUNT, _any)},
    ),
    _Part(
        f"""
        SELECT count(*) AS posts_uncertain, {_age("updated_at", "clock()")}
            AS posts_oldest_uncertain_age
        FROM post_jobs WHERE status = 'uncertain'
        """,  # noqa: S608 - the same
        {
            "posts_uncertain": (Unit.COUNT, _never),
            "posts_oldest_uncertain_age": (Unit.SECONDS, _above(UNCERTAIN_LATE)),
        },
    ),
    _Part(
        """
        SELECT count(*) AS escrows_held, COALESCE(sum(e.amount), 0)::bigint AS money_held,
            count(*) FILTER (WHERE (j.id IS NULL OR j.status = 'queued')
                AND GREATEST(e.created_at, publish_time(t.id, t.publish_at))
                    < clock() - CAST(:sla AS interval))
                AS escrows_stuck
        FROM escrows e JOIN campaign_targets t ON t.id = e.campaign_target_id
        LEFT JOIN post_jobs j ON j.campaign_target_id = t.id
        WHERE e.status = 'held'
        """,
        {
            "escrows_held": (Unit.COUNT, _never),
            "money_held": (Unit.MONEY, _never),
            "escrows_stuck": (Unit.COUNT, _any),
        },
    ),
    _Part(
        f"""
        SELECT (SELECT count(*) FROM post_jobs WHERE status = 'failed') AS dead_letters,
            (SELECT count(*) FROM post_jobs WHERE status = 'failed'
                AND updated_at > clock() - interval '1 day') AS dead_letters_of_a_day,
            (SELECT {_age("updated_at", "clock()")} FROM post_jobs
                WHERE status IN ('failed', 'cancelled') AND NOT settled) AS oldest_refund_due_age
        """,  # noqa: S608 - the same
        {
            "dead_letters": (Unit.COUNT, _never),
            "dead_letters_of_a_day": (Unit.COUNT, _never),
            "oldest_refund_due_age": (Unit.SECONDS, _above(REFUND_LATE)),
        },
    ),
    _Part(
        """
        SELECT count(*) AS withdrawals_waiting FROM withdrawals
        WHERE status IN ('requested', 'approved')
        """,
        {"withdrawals_waiting": (Unit.COUNT, _never)},
    ),
    _Part(
        """
        SELECT 100 * used.connections / current_setting('max_connections')::int
                AS connections_used_percent,
            used.connections || ' / ' || current_setting('max_connections')
                AS connections_used_percent_detail,
            current_setting('server_version') AS postgresql_version
        FROM (SELECT count(*) AS connections FROM pg_stat_activity
            WHERE usesysid IS NOT NULL) AS used
        """,
        {
            "connections_used_percent": (Unit.COUNT, _above(MOST_CONNECTIONS)),
            "postgresql_version": (Unit.TEXT, _never),
        },
    ),
)


async def read(session: AsyncSession, *, sla: timedelta, revision: str) -> list[Line]:
    """Return all lines about the database.

    `sla` is how long an escrow may hold money without a published post. `revision` is the oldest
    revision of the schema that this version can use.

    Raises the error of a database that is not available. A part that cannot be read for another
    reason is unknown. READ_SECONDS limits each statement until the end of the transaction.
    """
    await session.execute(
        text("SELECT set_config('statement_timeout', :limit, true)"),
        {"limit": f"{READ_SECONDS}s"},
    )
    lines = await _read_switches(session)
    for part in PARTS:
        lines += await _read_part(session, part, sla)
    lines += await _read_part(session, _schema(revision), sla)
    return lines


def unknown() -> list[Line]:
    """Return the lines of a database that cannot be read."""
    return [line for part in (*PARTS, _schema("")) for line in _unknown_part(part)]


def needs_human(lines: Sequence[Line]) -> bool:
    """Return whether a line needs a human, or is unknown."""
    return any(line.state is not State.OK for line in lines)


def _schema(revision: str) -> _Part:
    return _Part(
        "SELECT max(version_num) AS schema_revision FROM alembic_version",
        {"schema_revision": (Unit.TEXT, lambda found: found is None or found < revision)},
    )


async def _read_switches(session: AsyncSession) -> list[Line]:
    """Return a line for each kill switch. A stopped one is a decision, a missing one is a fault."""
    return [
        Line(
            switch.key.value,
            "running" if switch.enabled else "STOPPED",
            Unit.TEXT,
            State.ATTENTION if switch.missing else State.OK,
            "missing" if switch.missing else switch.reason,
        )
        for switch in await killswitches.overview(session)
    ]


async def _read_part(session: AsyncSession, part: _Part, sla: timedelta) -> list[Line]:
    statement = text(part.query)
    if ":sla" in part.query:
        statement = statement.bindparams(bindparam("sla", sla, type_=INTERVAL))
    try:
        async with session.begin_nested():
            row = (await session.execute(statement)).mappings().one()
    except DBAPIError as error:
        if is_away(error):
            raise
        return _unknown_part(part)
    return [
        Line(
            name,
            row[name],
            unit,
            State.ATTENTION if is_wrong(row[name]) else State.OK,
            row.get(f"{name}_detail"),
        )
        for name, (unit, is_wrong) in part.lines.items()
    ]


def _unknown_part(part: _Part) -> list[Line]:
    return [Line(name, None, unit, State.UNKNOWN) for name, (unit, _) in part.lines.items()]
