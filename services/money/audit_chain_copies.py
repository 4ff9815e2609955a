"""Record which link of the audit chain was last written to each file of the chain."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import AuditChainFile
from services.money.invariants import Violation

LATE = timedelta(minutes=10)
"""The longest time without a write to a locked file."""


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
    """Return a violation if a file no longer contains the link that was recorded last.

    `last_number` is the number of the last link in the file now, or 0.
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
            [{"ref": name, "written": written, "found": last_number}],
        )
    ]


async def find_locked(session: AsyncSession, name: str) -> list[Violation]:
    """Return a violation if nobody has written to a locked file for longer than LATE.

    The caller has found the file locked. The first call for a file records the file and returns no
    violation.
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
            [{"ref": name, "written": last_number}],
        )
    ]
