"""Extend the audit chain, and copy its links to a file outside the database.

The audit chain consists of digests of the ledger, which show if somebody changed the ledger. Each
link covers a range of transactions and the link before it.
"""

from pathlib import Path

import structlog

from db.session import Sessions
from services.money import audit_chain, audit_chain_file, incidents

MAX_LINKS_PER_TICK = 20
"""The most ranges that one tick adds to the chain. After a long pause, several ticks are needed."""
MAX_LINES_PER_TICK = 1_000
"""The most links that one tick adds to the file."""

log = structlog.get_logger(__name__)


async def extend_audit_chain(sessions: Sessions, path: Path | None) -> None:
    """Extend the audit chain, and add the new links to the file if a file is configured.

    The chain covers only transactions that can no longer change. The last link is sent to the admin
    chat, through the outbox.
    """
    for _ in range(MAX_LINKS_PER_TICK):
        async with sessions.begin() as session:
            if await audit_chain.extend(session) is None:
                break
    async with sessions.begin() as session:
        await audit_chain.notify_admins(session)
    if path is not None:
        await _append_to_file(sessions, path)


async def _append_to_file(sessions: Sessions, path: Path) -> None:
    """Add the links that the file lacks, unless the database contradicts the file.

    If the database contradicts the file, an incident stops the kill switches of money. This
    function runs after the links are committed, so that the file never contains a link that the
    database does not have. If the process is killed in between, the next tick writes the links.
    """
    with audit_chain_file.lock_for_append(path) as file:
        if file is None:
            return
        last_in_file = audit_chain_file.last(file)
        async with sessions.begin() as session:
            links = await audit_chain.links_after(
                session,
                last_in_file.number - 1 if last_in_file else 0,
                limit=MAX_LINES_PER_TICK + 1,
            )
            if last_in_file is not None and links[:1] != [last_in_file]:
                log.error("A link of the audit chain was rewritten", number=last_in_file.number)
                stored = links[0] if links else None
                await incidents.raise_alarm(
                    session, [audit_chain.rewritten_link(last_in_file, stored)]
                )
                return
        links = links[1:] if last_in_file else links
        if links:
            audit_chain_file.append(file, links)
