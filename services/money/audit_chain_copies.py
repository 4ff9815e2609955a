"""Record the last link that was written to each file of the audit chain.

The audit chain is a list of digests (links) of the ledger. The files are copies of this list
outside the database. If a file does not contain the recorded link, somebody has shortened or
replaced the file. The name of a file consists of its machine's name and its path. A file with a new
name counts as a new file.
"""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import AuditChainFile
from services.money.invariants import Violation

LATE = timedelta(minutes=10)
"""If no process could write to a file for longer than this, the file counts as locked for ever."""


async def record(session: AsyncSession, name: str, last_number: int) -> None:
    """Record the number of the last link in a file, and the present time. Locks the file's row."""
    await session.execute(
        insert(AuditChainFile)
        .values(name=name, last_number=last_number)
        .on_conflict_do_update(
            index_elements=["name"], set_={"last_number": last_number, "written_at": func.now()}
        )
    )


async def find_shrunk(session: AsyncSession, name: str, last_number: int) -> list[Violation]:
    """Return a violation if a file does not contain the link that was last recorded for this file.

    Returns a list with one violation, or an empty list. `last_number` is the number of the last
    link that is in the file now. It is 0 if the file has no links.
    """
    written = await session.scalar(
        select(AuditChainFile.last_number).where(AuditChainFile.name == name)
    )
    if written is None or written <= last_number:
        return []
    return [
        Violation(
            "audit_chain_file_shrunk",
            "the audit chain's file vanished, or ends before the links that were written to it",
            [{"ref": written, "found": last_number}],
        )
    ]


async def find_locked(session: AsyncSession, name: str) -> list[Violation]:
    """Return a violation if no process could write to a file for longer than LATE.

    Returns a list with one violation, or an empty list. The caller has found that the file is
    locked. The first call for a file inserts a row for this file, and the time LATE begins.
    """
    await session.execute(
        insert(AuditChainFile)
        .values(name=name, last_number=0)
        .on_conflict_do_nothing(index_elements=["name"])
    )
    last_number = await session.scalar(
        select(AuditChainFile.last_number).where(
            AuditChainFile.name == name, AuditChainFile.written_at < func.now() - LATE
        )
    )
    if last_number is None:
        return []
    return [
        Violation(
            "audit_chain_file_locked",
            "somebody holds the lock of the audit chain's file, and no link is written to it",
            [{"ref": last_number}],
        )
    ]
