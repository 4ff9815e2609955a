"""Record the last link that was written to each file of the audit chain.

A file without this link was shortened or replaced. The name of a file consists of its machine and
its path. A file with a new name counts as a new file.
"""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import AuditChainFile
from services.money.invariants import Violation

LATE = timedelta(minutes=10)
"""If no process could write to a file for longer than this, the file counts as locked for good."""


async def record(session: AsyncSession, name: str, last_number: int) -> None:
    """Record the number of the last link in a file of the audit chain, and the present time.

    Locks the file's row.
    """
    await session.execute(
        insert(AuditChainFile)
        .values(name=name, last_number=last_number)
        .on_conflict_do_update(
            index_elements=["name"], set_={"last_number": last_number, "written_at": func.now()}
        )
    )


async def find_shrunk(session: AsyncSession, name: str, last_number: int) -> list[Violation]:
    """Return a list with a violation if a file lacks the last link that was recorded for it.

    Otherwise the list is empty. `last_number` is the number of the last link that the file now
    contains, or 0 for a file without links.
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
    """Return a list with a violation if no process could write to a file for longer than LATE.

    Otherwise the list is empty. The caller calls this function after it found the file locked. The
    first call for a file also records the file, so that its time begins.
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
