"""Extend the audit chain of the ledger, and copy its links to a file outside the database."""

from collections.abc import Sequence
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from db.session import Sessions
from services.money import audit_chain, audit_chain_copies, audit_chain_file, incidents
from services.money.invariants import Violation

MAX_LINKS_PER_TICK = 20
"""One tick adds at most this many links to the chain.

After a long pause, several ticks are needed.
"""
MAX_LINES_PER_TICK = 1_000
"""One tick adds at most this many links to the file."""

log = structlog.get_logger(__name__)


async def extend_audit_chain(sessions: Sessions, path: Path | None) -> None:
    """Add the ended transactions to the audit chain, and copy the new links to the file at `path`.

    Sends the last link to the admin chat. Opens an incident if links are late or the chain has a
    fault. Without a `path`, no file is written; this is a fault if one was written before.
    """
    for _ in range(MAX_LINKS_PER_TICK):
        async with sessions.begin() as session:
            if await audit_chain.extend(session) is None:
                break
    async with sessions.begin() as session:
        await audit_chain.notify_admins(session)
        await _report(session, await audit_chain.find_faults(session))
    if path is None:
        async with sessions.begin() as session:
            await _report(session, await audit_chain_copies.find_unset(session))
    else:
        try:
            await _append_to_file(sessions, path)
        except audit_chain_file.AuditChainFileError as error:
            async with sessions.begin() as session:
                await _report(session, [audit_chain_copies.unusable(path, str(error))])


async def _append_to_file(sessions: Sessions, path: Path) -> None:
    """Add the missing links to the file. The caller has committed these links.

    If the file is not known, links were removed from the file, or the last link was changed, an
    incident is opened instead.
    """
    # The links are committed before, so the file never has a link that the database does not have.
    # If the process is killed in between, the next tick writes the links.
    with audit_chain_file.lock_for_append(path) as (file, is_locked):
        named = audit_chain_file.name_of(file)
        if not is_locked:
            async with sessions.begin() as session:
                name = named or await _find_name(session, path)
                if name is None:
                    await _report(session, [audit_chain_copies.shrunk(str(path))])
                else:
                    await _report(session, await audit_chain_copies.find_locked(session, name))
            return
        last = audit_chain_file.last(file)
        last_number = last.number if last else 0
        async with sessions.begin() as session:
            links = await audit_chain.links_after(
                session, max(last_number - 1, 0), limit=MAX_LINES_PER_TICK + 1
            )
            if last is not None and links[:1] != [last]:
                log.error("A link of the audit chain was rewritten", number=last_number)
                stored = links[0] if links else None
                await incidents.raise_alarm(session, [audit_chain.rewritten_link(last, stored)])
                return
            if not links:
                return
            name = named or await _find_name(session, path)
            if name is None:
                lost = audit_chain_copies.unknown if last else audit_chain_copies.shrunk
                await _report(session, [lost(str(path))])
                return
            if shrunk := await audit_chain_copies.find_shrunk(session, name, last_number):
                await _report(session, shrunk)
                return
        links = links[1:] if last else links
        if links or named is None:
            audit_chain_file.append(file, links, name=None if named else name)
        if links:
            last_number = links[-1].number
        async with sessions.begin() as session:
            await audit_chain_copies.record(session, name, last_number)


async def _find_name(session: AsyncSession, path: Path) -> str | None:
    """Return the name for a file without a name, or None if this file must not be written."""
    return await audit_chain_copies.name_for_new(session) or await audit_chain_copies.earlier_name(
        session, path
    )


async def _report(session: AsyncSession, faults: Sequence[Violation]) -> None:
    if faults:
        await incidents.report_audit_chain(session, faults)
