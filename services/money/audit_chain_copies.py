"""Record which link of the audit chain was last written to each file of the chain.

The name of a file stands in the file, so the database knows the file on each machine and at each
path. A file without a known name is new, or its content was lost.
"""

import uuid
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from db.models.operations import AuditChainFile, Incident
from services.money.invariants import Violation
from services.platform.actors import OPERATORS, Actor

LATE = timedelta(minutes=10)
"""The longest time without a write to a locked file."""
ALLOWED_FOR = timedelta(hours=1)
"""How long a new file may be begun after an operator has allowed it, by the real clock."""
UNSET = "audit_chain_file_unset"
"""The name of the fault that no file is written any more."""
_ADD = text("SELECT add_audit_chain_file(:name, :actor_id)")


async def allow_new(session: AsyncSession, actor: Actor) -> bool:
    """Allow the scheduler to begin one new file of the audit chain within ALLOWED_FOR.

    Returns False if one is allowed already. The database writes the audit row, and notifies the
    admin chat. Raises AccessDenied.
    """
    actor.require_staff(*OPERATORS, action="audit_chain_file_add")
    return await _add(session, actor.user_id)


async def name_for_new(session: AsyncSession) -> str | None:
    """Return the name for a file without a name, or None if no new file is allowed.

    The first file of all needs no operator.
    """
    if await session.scalar(select(func.count()).select_from(AuditChainFile)) == 0:
        await _add(session, None)
    name: str | None = await session.scalar(
        select(AuditChainFile.name)
        .where(AuditChainFile.last_number == 0, _is_recent(ALLOWED_FOR))
        .order_by(AuditChainFile.name)
        .limit(1)
    )
    return name


async def earlier_name(session: AsyncSession, path: Path) -> str | None:
    """Return the name under which an earlier version wrote to a file, or None.

    Earlier versions named a file after its machine and its path, and did not write the name into
    the file. If several machines have written to this path, the longest file counts.
    """
    name: str | None = await session.scalar(
        select(AuditChainFile.name)
        .where(
            AuditChainFile.name.endswith(f":{path}", autoescape=True),
            AuditChainFile.last_number > 0,
        )
        .order_by(AuditChainFile.last_number.desc())
        .limit(1)
    )
    return name


async def record(session: AsyncSession, name: str, last_number: int) -> None:
    """Record the number of the last link in a file, and the present time. Locks the file's row."""
    await session.execute(
        update(AuditChainFile)
        .where(AuditChainFile.name == name)
        .values(last_number=last_number, written_at=func.now())
    )


async def find_shrunk(session: AsyncSession, name: str, last_number: int) -> list[Violation]:
    """Return a violation if a file no longer contains the link that was recorded last.

    `last_number` is the number of the last link in the file now, or 0. A file whose name the
    database does not know is a violation too.
    """
    written = await session.scalar(
        select(AuditChainFile.last_number).where(AuditChainFile.name == name)
    )
    if written is None:
        return [unknown(name)]
    if written <= last_number:
        return []
    return [shrunk(name, written=written, found=last_number)]


async def find_locked(session: AsyncSession, name: str) -> list[Violation]:
    """Return a violation if nobody has written to a locked file for longer than LATE.

    The caller has found the file locked.
    """
    last_number = await session.scalar(
        select(AuditChainFile.last_number).where(AuditChainFile.name == name, ~_is_recent(LATE))
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


async def find_unset(session: AsyncSession) -> list[Violation]:
    """Return a violation if a file was written before, and none is written any more.

    The caller has found that the setting AUDIT_CHAIN_FILE is empty. A person who closes the
    incident about it accepts that no file is written.
    """
    is_recent = _is_recent(LATE)
    row = await session.execute(
        select(func.max(AuditChainFile.written_at), func.bool_or(is_recent)).where(
            AuditChainFile.last_number > 0
        )
    )
    written_at, is_written = row.one()
    if written_at is None or is_written:
        return []
    accepted = await session.scalar(
        select(Incident.id)
        .where(Incident.details.has_key(UNSET), Incident.closed_at > written_at)
        .limit(1)
    )
    if accepted is not None:
        return []
    return [
        Violation(
            UNSET,
            "AUDIT_CHAIN_FILE is empty, and links were written to a file before",
            [{"ref": 0, "since": written_at.isoformat()}],
        )
    ]


def shrunk(ref: str, *, written: int | None = None, found: int = 0) -> Violation:
    """Build the violation for a file that lost links. `ref` is its name, or its path."""
    return Violation(
        "audit_chain_file_shrunk",
        "the audit chain's file vanished, or ends before the links that were written to it",
        [{"ref": ref, "written": written, "found": found}],
    )


def unknown(ref: str) -> Violation:
    """Build the violation for a file that the database does not know."""
    return Violation(
        "audit_chain_file_unknown",
        "the audit chain's file is none of those to which links were written",
        [{"ref": ref}],
    )


def unusable(path: Path, reason: str) -> Violation:
    """Build the violation for a file that cannot be read or written."""
    return Violation(
        "audit_chain_file_unusable",
        "the audit chain's file cannot be used, and no link is written to it",
        [{"ref": str(path), "reason": reason}],
    )


async def _add(session: AsyncSession, actor_id: int | None) -> bool:
    values = {"name": str(uuid.uuid4()), "actor_id": actor_id}
    added: bool = (await session.execute(_ADD, values)).scalar_one()
    return added


def _is_recent(age: timedelta) -> ColumnElement[bool]:
    # After the server's clock was set back, a time can be far in the future.
    return AuditChainFile.written_at.between(func.now() - age, func.now() + age)
