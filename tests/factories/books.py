"""Run use cases on one connection, and roll back all changes at the end."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from sandbox import embedded
from services.money import invariants
from tests.embedded_fixture import driver_url

T = TypeVar("T")
_BROKEN = " UNION ALL ".join(
    f"SELECT '{invariant.name}' AS name WHERE EXISTS ({invariant.sql})"
    for invariant in invariants.INVARIANTS
)
_BROKEN_NAMES = text(_BROKEN)
BOOKS = text(
    f"""
    SELECT jsonb_build_object(
        'broken', (SELECT coalesce(jsonb_agg(name), '[]') FROM ({_BROKEN}) AS broken),
        'balances', (SELECT jsonb_object_agg(user_id, balance) FROM wallets WHERE kind = 'user'),
        'revenue', (SELECT coalesce(jsonb_object_agg(counterparty_id, balance), '{{}}')
            FROM wallets WHERE kind = 'revenue'),
        'losses', (SELECT coalesce(jsonb_object_agg(counterparty_id, -balance)
            FILTER (WHERE balance <> 0), '{{}}') FROM wallets WHERE kind = 'loss'),
        'blocked', (SELECT coalesce(jsonb_agg(id ORDER BY id), '[]') FROM users WHERE blocked),
        'requests', (SELECT coalesce(jsonb_object_agg(
            id, jsonb_build_array(status, acknowledged)), '{{}}') FROM staff_requests
            WHERE kind <> 'correction'),
        'corrections', (SELECT coalesce(jsonb_object_agg(id, status), '{{}}') FROM corrections),
        'outside', (SELECT -sum(balance) FROM wallets WHERE kind = 'external'),
        'held', (SELECT sum(balance) FROM wallets WHERE kind = 'escrow'),
        'deposits', (SELECT coalesce(jsonb_object_agg(external_reference,
            jsonb_build_array(user_id, amount, status)), '{{}}') FROM deposits),
        'withdrawals', (SELECT coalesce(jsonb_object_agg(id,
            jsonb_build_array(user_id, amount, status, fee)), '{{}}') FROM withdrawals),
        'campaigns', (SELECT jsonb_object_agg(id, status) FROM campaigns),
        'channels', (SELECT jsonb_object_agg(id, status) FROM channels),
        'complaints', (SELECT coalesce(jsonb_agg(jsonb_build_array(
            campaign_target_id, status, outcome, owner_percent)
            ORDER BY campaign_target_id, number), '[]') FROM complaints),
        'kept', (SELECT coalesce(jsonb_object_agg(campaign_target_id, jsonb_build_array(
            kept_from, kept_until, freed_at IS NOT NULL)), '{{}}') FROM kept_times),
        'switches', (SELECT jsonb_object_agg(key, enabled) FROM kill_switches),
        'targets', (SELECT coalesce(jsonb_object_agg(t.id, jsonb_build_array(
                t.status, t.price, e.status, e.amount, e.fee,
                j.status, j.claim_no, j.attempts, (SELECT count(*) FROM post_checks c
                    WHERE c.post_job_id = j.id), j.breach IS NOT NULL,
                a.answer = 'accepted', t.cancelled_at IS NOT NULL)), '{{}}')
            FROM campaign_targets t
            LEFT JOIN escrows e ON e.campaign_target_id = t.id
            LEFT JOIN post_jobs j ON j.campaign_target_id = t.id
            LEFT JOIN placement_answers a
                ON a.campaign_target_id = t.id AND a.version = t.version)
    )::text
    """
)


async def assert_invariants(session: AsyncSession) -> None:
    """Assert that all invariants hold, with one query. The error contains the offending rows."""
    broken = (await session.scalars(_BROKEN_NAMES)).all()
    assert not broken, await invariants.run(session)


class RolledBackSteps:
    """A database connection whose changes are rolled back at the end of the test."""

    def __init__(self, superuser_url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._engine = create_async_engine(driver_url(superuser_url), poolclass=NullPool)
        self._connection: AsyncConnection = self._wait(self._begin())

    async def _begin(self) -> AsyncConnection:
        connection = await self._engine.connect()
        await connection.begin()
        await self._set_role(connection)
        return connection

    @staticmethod
    async def _set_role(connection: AsyncConnection) -> None:
        await connection.execute(text(f"SET LOCAL ROLE {embedded.APP}"))

    def _wait(self, act: Awaitable[T]) -> T:
        async def await_act() -> T:
            return await act

        return self._loop.run_until_complete(await_act())

    def mark(self) -> None:
        """Set the savepoint to which `back` returns."""
        self._wait(self._connection.execute(text("SAVEPOINT marked")))

    def back(self) -> None:
        """Undo all changes since the call of `mark`."""
        self._wait(self._connection.execute(text("ROLLBACK TO SAVEPOINT marked")))

    def do(self, act: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Run one use case, return its result, and undo its changes after an error."""
        return self._wait(self._do(act))

    async def _do(self, act: Callable[[AsyncSession], Awaitable[T]]) -> T:
        async with (
            AsyncSession(
                self._connection, join_transaction_mode="create_savepoint", expire_on_commit=False
            ) as session,
            session.begin(),
        ):
            done = await act(session)
            await session.flush()
            await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
            await session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
        return done

    def forward(self, hours: float) -> None:
        """Move the database's clock forward."""
        self._wait(self._forward(hours))

    async def _forward(self, hours: float) -> None:
        await self._connection.execute(text("RESET ROLE"))
        await self._connection.execute(
            text("UPDATE clock_shift SET allowed = true, shift = shift + :by"),
            {"by": timedelta(hours=hours)},
        )
        await self._set_role(self._connection)

    def now(self) -> datetime:
        """Return the time of the database's clock."""
        moment = self._wait(self._connection.execute(text("SELECT clock()"))).scalar_one()
        assert isinstance(moment, datetime)
        return moment

    def set_minute(self, minute: int) -> float:
        """Move the database's clock forward to a minute of the hour. Return by how many hours."""
        moment = self.now()
        by = timedelta(minutes=(minute - moment.minute) % 60, seconds=-moment.second)
        hours = max(by, timedelta()) / timedelta(hours=1)
        self.forward(hours)
        return hours

    def books(self) -> dict[str, Any]:
        """Return balances, statuses, kill switches and violated invariants."""
        row = self._wait(self._connection.execute(BOOKS)).scalar_one()
        books: dict[str, Any] = json.loads(row)
        return books

    def end(self) -> None:
        """Roll back the transaction and close the connection."""
        self._wait(self._connection.rollback())
        self._wait(self._connection.close())
        self._wait(self._engine.dispose())
        self._loop.close()
