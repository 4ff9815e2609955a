"""Make a restored backup safe to start, and say what may have happened since the backup."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch
from services.platform import alert_conditions, alerts

_OTHERS = text(
    "SELECT DISTINCT concat_ws(' ', usename, nullif(application_name, '')) FROM pg_stat_activity"
    " WHERE datname = current_database() AND backend_type = 'client backend'"
    " AND pid <> pg_backend_pid() ORDER BY 1"
)
_TABLES = text(
    "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    " AND relkind IN ('r', 'p', 'v', 'm')"
)
_REVISION = text("SELECT max(version_num) FROM alembic_version")
_RESTART = text("SELECT restart_ledger_txn()")
_FINISH = text("SELECT finish_restore(:keys)").bindparams(bindparam("keys", type_=ARRAY(TEXT)))
_OPEN_WITHDRAWALS = text(
    "SELECT w.id, u.telegram_id, w.amount, w.currency, w.status, w.created_at"
    " FROM withdrawals w JOIN users u ON u.id = w.user_id"
    " WHERE w.status IN ('requested', 'approved') ORDER BY w.id"
)


ACTION = "backup_restored"
"""The action of the audit row about a restore. The function `finish_restore` has the same word."""


@dataclass(frozen=True)
class Restored:
    """The result of making a restored backup safe."""

    added: int
    """The number that is added to the cluster's own transaction numbers."""
    searched: int
    """How many posts are searched in their channels before they are sent."""
    parked: int
    """How many presses and commands were parked, because they may have been handled already."""
    incident_id: int
    withdrawals: Sequence[dict[str, Any]]
    """The withdrawals that were open in the backup, and may have been paid since."""
    newest: datetime | None
    """The time of the newest row in the audit log of the backup."""


async def other_sessions(session: AsyncSession) -> Sequence[str]:
    """Return the login and the program of each other session of this database."""
    return (await session.scalars(_OTHERS)).all()


async def count_tables(session: AsyncSession) -> int:
    """Return how many tables and views the schema `public` has."""
    return int((await session.execute(_TABLES)).scalar_one())


async def revision(session: AsyncSession) -> str | None:
    """Return the revision of the schema."""
    found: str | None = await session.scalar(_REVISION)
    return found


async def continue_transaction_numbers(session: AsyncSession) -> int:
    """Let the ledger continue with the transaction number after the last one in the backup.

    Returns the number that is added to the cluster's own. Needs the owner's role, in a transaction
    of its own.
    """
    return int((await session.execute(_RESTART)).scalar_one())


async def finish(session: AsyncSession, *, added: int) -> Restored:
    """Stop every kill switch, and let each post be searched that may have been published.

    `added` is the result of `continue_transaction_numbers`. Opens an incident that freezes the
    money, and notifies the admin chat. The next bot says that the alert about the database is over.
    Needs the owner's role. No other process may use the database.
    """
    newest: datetime | None = await session.scalar(
        text("SELECT max(created_at) FROM user_audit_logs")
    )
    done: dict[str, int] = (
        await session.execute(_FINISH, {"keys": [key.value for key in Switch]})
    ).scalar_one()
    # The bot that told it knew it alone, and was stopped before the restore.
    await alerts.assume_firing(session, watcher="bot", name=alert_conditions.DATABASE_AWAY)
    open_withdrawals = (await session.execute(_OPEN_WITHDRAWALS)).mappings()
    return Restored(
        added=added,
        searched=done["searched"],
        parked=done["parked"],
        incident_id=done["incident_id"],
        withdrawals=[dict(row) for row in open_withdrawals],
        newest=newest,
    )
