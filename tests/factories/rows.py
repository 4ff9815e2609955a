"""Read rows of the database."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.session import Sessions
from services.money import wallets
from services.platform import audit
from services.platform.actors import Actor
from services.platform.errors import DomainError

Rows = dict[str, list[str]]


async def snapshot(session: AsyncSession) -> Rows:
    """Return all rows of the tables that the session may read as text, by table name."""
    names = await session.scalars(
        text(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'r' AND has_table_privilege(oid, 'SELECT') ORDER BY relname"
        )
    )
    return {
        name: list(
            await session.scalars(text(f'SELECT to_jsonb(t)::text FROM "{name}" t ORDER BY 1'))
        )
        for name in names.all()
    }


def grown(before: Rows, after: Rows) -> dict[str, int]:
    """Return by how many rows each grown table has grown."""
    return {
        name: len(after[name]) - len(before[name])
        for name in after
        if len(after[name]) != len(before[name])
    }


def added(before: Rows, after: Rows) -> dict[str, int]:
    """Return how much each table has grown, and assert that no old row changed."""
    for name, rows in before.items():
        assert set(rows) <= set(after[name]), f"a row of {name} was changed or deleted"
    return grown(before, after)


async def available(session: AsyncSession, who: Actor) -> int:
    """Return the amount that a person can spend, in minor units."""
    assert who.user_id is not None
    return (await wallets.balances(session, who.user_id)).available


async def one(session: AsyncSession, sql: str, **values: Any) -> Any:
    """Run a query whose result is one value, and return the value."""
    return (await session.execute(text(sql), values)).scalar_one()


async def table(session: AsyncSession, sql: str, **values: Any) -> list[tuple[Any, ...]]:
    """Run a query, and return its rows as tuples."""
    return [tuple(row) for row in await session.execute(text(sql), values)]


async def refused(
    sessions: Sessions,
    act: Callable[[AsyncSession], Awaitable[Any]],
    *,
    actor: Actor,
    action: str,
) -> DomainError:
    """Run an operation, and return the error that refuses it.

    Asserts that the database gets one audit row and no other change.
    """
    async with sessions.begin() as session:
        before = await snapshot(session)
    with pytest.raises(DomainError) as refusal:
        async with sessions.begin() as session:
            await act(session)
    async with sessions.begin() as session:
        assert await snapshot(session) == before
        await audit.record_denied(session, actor=actor, action=action, error=refusal.value)
    async with sessions.begin() as session:
        assert added(before, await snapshot(session)) == {"user_audit_logs": 1}
        facts = await table(
            session,
            "SELECT action, user_id, metadata->>'refused', metadata->>'error'"
            " FROM user_audit_logs ORDER BY id DESC LIMIT 1",
        )
    assert facts == [("access_denied", actor.user_id, action, type(refusal.value).__name__)]
    return refusal.value


async def placement_statuses(sessions: Sessions) -> list[tuple[str, str | None, str | None]]:
    """Return the statuses of each placement, its post job and its escrow, by placement id."""
    async with sessions.begin() as session:
        found = await table(
            session,
            "SELECT t.status, j.status, e.status FROM campaign_targets t"
            " LEFT JOIN post_jobs j ON j.campaign_target_id = t.id"
            " LEFT JOIN escrows e ON e.campaign_target_id = t.id ORDER BY t.id",
        )
    return [(target, job, escrow) for target, job, escrow in found]
