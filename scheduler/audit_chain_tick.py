"""The tick that seals the ledger and keeps the seals outside the database."""

from pathlib import Path

import structlog

from db.session import Sessions
from services.money import audit_chain, audit_chain_file, incidents

MOST = 20
"""Ranges in one tick: after a long pause it takes several to catch up."""
KEPT_AT_ONCE = 1_000

log = structlog.get_logger(__name__)


async def seal_ledger(sessions: Sessions, path: Path | None) -> None:
    """Tick: seals what is final, adds the seals to the file, owes the admin chat the last one."""
    for _ in range(MOST):
        async with sessions.begin() as session:
            if await audit_chain.extend(session) is None:
                break
    async with sessions.begin() as session:
        await audit_chain.announce(session)
    if path is not None:
        await _keep(sessions, path)


async def _keep(sessions: Sessions, path: Path) -> None:
    """Add what the file lacks; a database that contradicts the file freezes the money.

    After the commit, so that the file never holds a seal that was not made: what a killed process
    did not write, the next tick does.
    """
    with audit_chain_file.opened(path) as file:
        if file is None:
            return
        kept = audit_chain_file.last(file)
        async with sessions.begin() as session:
            fresh = await audit_chain.links_after(
                session, kept.number - 1 if kept else 0, limit=KEPT_AT_ONCE + 1
            )
            if kept is not None and fresh[:1] != [kept]:
                log.error("A seal was rewritten", number=kept.number)
                found = fresh[0] if fresh else None
                await incidents.raise_alarm(session, [audit_chain.rewritten_link(kept, found)])
                return
        fresh = fresh[1:] if kept else fresh
        if fresh:
            audit_chain_file.append(file, fresh)
