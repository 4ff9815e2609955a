"""Keep the notices about kill switches in order, so that the last one states the present state.

At any time, only one process sends such notices. A notice is superseded if a later notice about the
same switches is queued.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch

KIND = "switch_changed"
"""The kind of the outbox rows about kill switches that were changed."""
_LOCK = text("SELECT pg_try_advisory_xact_lock(7007)")
_IN_FLIGHT = text(
    """
    SELECT EXISTS (SELECT FROM outbox WHERE status = 'queued' AND priority = 0 AND due_at > now()
        AND kind = 'switch_changed')
    """
)
_SUPERSEDED = text(
    """
    SELECT EXISTS (
        SELECT FROM outbox told JOIN outbox later ON later.kind = told.kind AND later.id > told.id
        WHERE told.id = :id AND later.status = 'queued' AND later.priority = 0
            AND coalesce(later.payload -> 'keys', jsonb_build_array(later.payload -> 'key'))
                @> coalesce(told.payload -> 'keys', jsonb_build_array(told.payload -> 'key')))
    """
)


def keys(payload: Mapping[str, Any]) -> frozenset[Switch]:
    """Return the switches that an outbox row of KIND is about."""
    return frozenset(map(Switch, payload.get("keys") or [payload["key"]]))


async def may_claim(session: AsyncSession) -> bool:
    """Return whether the caller may claim notices about kill switches in this transaction.

    The result is False while another process claims or sends one, or while one waits for its next
    attempt: a later notice must not overtake it. Takes a lock until the end of the transaction.
    """
    # The second statement sees what the previous owner of the lock has committed.
    if not (await session.execute(_LOCK)).scalar_one():
        return False
    return not (await session.execute(_IN_FLIGHT)).scalar_one()


async def is_superseded(session: AsyncSession, notice_id: int) -> bool:
    """Return whether a later notice about the same switches is queued."""
    return bool((await session.execute(_SUPERSEDED, {"id": notice_id})).scalar_one())
