"""Seals: digests chained over ranges of the ledger that never change any more.

A range is what transactions of consecutive numbers wrote, up to the horizon below which every
transaction has ended. Its digest covers the one before, each entry with its transfer, and whose
wallet it is on. Whoever rewrites history can rewrite the seals in the database as well, but not the
copies outside it: the seals' file, and the digest in the admin chat.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import AuditChainLink, OutboxMessage
from services.money.invariants import Violation
from services.platform import outbox

LOCK = 7_004
"""Advisory lock: one process seals at a time, and nobody waits for it."""
ENTRIES_AT_ONCE = 50_000
BEFORE_FIRST = -(2**63)
"""The first range has no beginning: nothing may be slipped in before it."""

_HORIZON = text("SELECT ledger_horizon()")
_CUT = text(
    "SELECT txn FROM ledger_entries WHERE txn >= :after AND txn < :upto"
    " ORDER BY txn OFFSET :rows LIMIT 1"
)
# Everything is written by its full name and no function of ours is called: what is asked to be
# proven must not answer for itself.
_DIGEST = text("""
    SELECT pg_catalog.count(*) AS entries,
        pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(
            pg_catalog.string_agg(line, E'\\n' ORDER BY id), ''), 'UTF8')), 'hex') AS digest
    FROM (
        SELECT e.id, ROW(
            e.id, e.txn, e.transfer_id, e.wallet_id, e.amount, e.balance_after, e.version, e.reason,
            e.reference_id, pg_catalog.date_part('epoch', e.created_at),
            t.key, t.reason, t.reference_id, t.actor_id, t.correlation_id,
            pg_catalog.date_part('epoch', t.created_at),
            w.kind, w.user_id, w.counterparty_id, w.currency
        )::text AS line
        FROM public.ledger_entries e
        LEFT JOIN public.ledger_transfers t ON t.id = e.transfer_id
        LEFT JOIN public.wallets w ON w.id = e.wallet_id
        WHERE e.txn >= :after AND e.txn < :upto
    ) AS entry
""")


@dataclass(frozen=True)
class ChainLink:
    """One sealed range; as it stands in the database, and as a line of the file."""

    number: int
    from_txn: int
    upto_txn: int
    entries: int
    digest: str
    """SHA-256, hexadecimal, over the digest before and the range."""


async def extend(session: AsyncSession, *, limit: int = ENTRIES_AT_ONCE) -> ChainLink | None:
    """Seal the next range, of some `limit` entries; None when there is nothing new to seal.

    None too while another process seals: it never waits, and makes no writer wait.
    """
    mine = await session.scalar(select(func.pg_try_advisory_xact_lock(LOCK)))
    if not mine:
        return None
    last = await newest(session)
    after = last.upto_txn if last else BEFORE_FIRST
    upto = (await session.execute(_HORIZON)).scalar_one()
    values = {"after": after, "upto": upto}
    if not await session.scalar(_CUT, values | {"rows": 0}):
        return None
    cut = await session.scalar(_CUT, values | {"rows": limit})
    if cut is not None:
        # A transaction is never cut in two, however much it wrote.
        first = await session.scalar(_CUT, values | {"rows": 0})
        upto = max(cut, (first or 0) + 1)
    made = await digest(session, last, upto)
    session.add(AuditChainLink(**vars(made)))
    await session.flush()
    return made


async def digest(session: AsyncSession, before: ChainLink | None, upto: int) -> ChainLink:
    """Compute the seal of the range between another one and a transaction, as the rows are now."""
    number = before.number + 1 if before else 1
    after = before.upto_txn if before else BEFORE_FIRST
    found = (await session.execute(_DIGEST, {"after": after, "upto": upto})).one()
    head = f"{before.digest if before else ''} {number} {upto} {found.entries} {found.digest}"
    return ChainLink(number, after, upto, found.entries, hashlib.sha256(head.encode()).hexdigest())


async def newest(session: AsyncSession) -> ChainLink | None:
    """Return the last seal of the database."""
    row = await session.scalar(
        select(AuditChainLink).order_by(AuditChainLink.number.desc()).limit(1)
    )
    return _seal(row) if row else None


async def links_after(session: AsyncSession, number: int, *, limit: int) -> list[ChainLink]:
    """Return the database's seals behind one, in order."""
    rows = await session.scalars(
        select(AuditChainLink)
        .where(AuditChainLink.number > number)
        .order_by(AuditChainLink.number)
        .limit(limit)
    )
    return [_seal(row) for row in rows]


async def announce(session: AsyncSession) -> None:
    """Owe the admin chat the last seal, once a day (UTC): a copy that nobody here can change."""
    last = await newest(session)
    if last is None:
        return
    today = (await session.execute(select(func.date(func.clock())))).scalar_one()
    key = f"audit_chain_extended:{today}"
    if await session.scalar(select(exists().where(OutboxMessage.key == key))):
        return
    await outbox.add(
        session,
        user_id=None,
        kind="audit_chain_extended",
        payload={"number": last.number, "digest": last.digest, "upto_txn": last.upto_txn},
        key=key,
    )


def rewritten_link(kept: ChainLink, found: ChainLink | None) -> Violation:
    """Say that the database's seal is not the one that was kept outside."""
    row: dict[str, Any] = {"ref": kept.number, "kept": kept.digest}
    return Violation(
        "audit_chain_link",
        "a seal of the database is not the one in the seals' file: history was rewritten",
        [row | {"found": found.digest if found else None}],
    )


def _seal(row: AuditChainLink) -> ChainLink:
    return ChainLink(row.number, row.from_txn, row.upto_txn, row.entries, row.digest)
