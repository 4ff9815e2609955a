"""Extend the audit chain: digests that show whether somebody changed old entries of the ledger."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import AuditChainLink, OutboxMessage
from services.money.invariants import Violation
from services.platform import outbox

LATE = timedelta(minutes=10)
"""The longest time that a ledger entry may stay without a link of the chain."""
BETWEEN_MESSAGES = timedelta(days=1)
"""The longest time between two messages to the admin chat with the last link (`notify_admins`)."""
ENTRIES_AT_ONCE = 50_000
"""The approximate number of entries that one link covers."""
BEFORE_FIRST = -(2**63)
"""The start of the first range: the lowest bigint."""

_EXTEND = text("SELECT number, from_txn, upto_txn, entries, digest FROM extend_audit_chain(:limit)")
_HORIZON = text("SELECT ledger_horizon()")
_OLDEST_UNCOVERED = text(
    "SELECT min(created_at) FROM ledger_entries"
    # After the clock was set back, the time of an entry can be far in the future.
    " WHERE txn >= :after AND created_at NOT BETWEEN"
    " clock() - CAST(:age AS interval) AND clock() + CAST(:age AS interval)"
)
_LAST_COVERED = text(
    "SELECT transfer_id, created_at FROM ledger_entries"
    " WHERE txn < :upto ORDER BY txn DESC, id DESC LIMIT 1"
)
# All names are qualified, and no function of the application's schema is called. Therefore nobody
# can falsify the digest by replacing such a function or by changing the search path.
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
_TERMS = text("""
    WITH moved AS (
        SELECT t.reason, t.reference_id FROM public.ledger_transfers t
        WHERE t.id IN (SELECT transfer_id FROM public.ledger_entries
            WHERE txn >= :after AND txn < :upto)
    )
    SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(
        pg_catalog.string_agg(sealed.line, E'\\n' ORDER BY sealed.part, sealed.id), ''),
        'UTF8')), 'hex')
    FROM (
        SELECT 1 AS part, p.id, ROW(p.id, p.telegram_id)::text AS line FROM public.users p
        WHERE p.id IN (SELECT COALESCE(w.user_id, w.counterparty_id)
            FROM public.ledger_entries e JOIN public.wallets w ON w.id = e.wallet_id
            WHERE e.txn >= :after AND e.txn < :upto)
        UNION ALL
        SELECT 2, g.id, ROW(
            g.id, s.id, s.wallet_id, s.amount, s.fee, g.price, g.fee_bps, g.promised_hours,
            pg_catalog.date_part('epoch', g.publish_at), g.campaign_id, g.channel_id, h.chat_id,
            g.owner_id, o.telegram_id, c.advertiser_id, a.telegram_id,
            COALESCE(g.creative, c.creative)::text
            || CASE WHEN g.hours_on_top = 0 AND g.ending = 'left' THEN ''
                ELSE g.hours_on_top::text || g.ending END)::text
        FROM moved JOIN public.campaign_targets g
            ON moved.reason IN ('escrow_hold', 'payout', 'refund') AND g.id = moved.reference_id
        JOIN public.escrows s ON s.campaign_target_id = g.id
        JOIN public.campaigns c ON c.id = g.campaign_id
        JOIN public.channels h ON h.id = g.channel_id
        JOIN public.users o ON o.id = g.owner_id
        JOIN public.users a ON a.id = c.advertiser_id
        UNION ALL
        SELECT 3, d.id, ROW(
            d.id, d.user_id, d.amount, d.currency, d.source, d.external_reference)::text
        FROM moved JOIN public.deposits d
            ON moved.reason = 'deposit' AND d.id = moved.reference_id
        UNION ALL
        SELECT 4, r.id, ROW(
            r.id, r.deposit_id, r.user_id, r.amount, r.recovered, r.loss, r.currency)::text
        FROM moved JOIN public.clawbacks r
            ON moved.reason = 'clawback' AND r.id = moved.reference_id
        UNION ALL
        SELECT 5, w.id, ROW(w.id, w.user_id, w.amount, w.currency, w.key)::text
            || CASE WHEN w.fee = 0 THEN '' ELSE w.fee::text END
        FROM moved JOIN public.withdrawals w
            ON moved.reason IN ('withdrawal_hold', 'withdrawal', 'withdrawal_return')
                AND w.id = moved.reference_id
        UNION ALL
        SELECT 6, x.id, ROW(x.id, x.withdrawal_id, x.user_id, x.amount, x.recovered, x.loss,
            x.currency, x.external_reference, x.recorded_by)::text
        FROM moved JOIN public.excess_payments x
            ON moved.reason = 'excess_payment' AND x.id = moved.reference_id
        UNION ALL
        SELECT 7, k.id, ROW(k.id, k.kind, k.wallet_id, k.other_wallet_id, k.amount, k.entry_id,
            k.target_id, k.proposed_by, k.reason, k.confirmed_by, k.confirm_reason)::text
        FROM moved JOIN public.corrections k
            ON moved.reason = 'adjustment' AND k.id = moved.reference_id
        UNION ALL
        SELECT 8, b.id, ROW(b.id, b.deposit_id, b.number, b.user_id, b.amount, b.currency)::text
        FROM moved JOIN public.deposit_returns b
            ON moved.reason IN ('return_hold', 'deposit_return', 'return_refused')
                AND b.id = moved.reference_id
    ) AS sealed
""")


@dataclass(frozen=True)
class ChainLink:
    """A link of the audit chain: the digest of one range of the ledger."""

    number: int
    from_txn: int
    upto_txn: int
    """The transaction number at which the next range starts."""
    entries: int
    digest: str
    """The SHA-256 digest of the range and of the previous link, in hexadecimal."""


@dataclass(frozen=True)
class LastCovered:
    """The last ledger entry that a link and the links before it cover."""

    transfer_id: int
    created_at: datetime
    """The time of the entry, with a time zone."""


@dataclass(frozen=True)
class ComputedLink:
    """A link of the audit chain, computed from the present rows."""

    link: ChainLink
    without_terms: ChainLink
    """The same link with a digest over fewer columns, as before schema revision 0009."""


async def extend(session: AsyncSession, *, limit: int = ENTRIES_AT_ONCE) -> ChainLink | None:
    """Add one link to the audit chain for about `limit` of the oldest entries without a link.

    Returns None if all entries have a link, or if another process is adding a link. Waits for no
    lock.
    """
    row = (await session.execute(_EXTEND, {"limit": limit})).one_or_none()
    return ChainLink(**row._asdict()) if row else None


async def compute(session: AsyncSession, before: ChainLink | None, upto: int) -> ComputedLink:
    """Compute the link that follows the link `before`, without a change of the database.

    The range ends below the transaction number `upto`. If `before` is None, the result is the first
    link.
    """
    number = before.number + 1 if before else 1
    after = before.upto_txn if before else BEFORE_FIRST
    values = {"after": after, "upto": upto}
    row = (await session.execute(_DIGEST, values)).one()
    terms = (await session.execute(_TERMS, values)).scalar_one()
    content = f"{before.digest if before else ''} {number} {upto} {row.entries} {row.digest}"
    link, without_terms = (
        ChainLink(number, after, upto, row.entries, hashlib.sha256(sealed.encode()).hexdigest())
        for sealed in (f"{content} {terms}", content)
    )
    return ComputedLink(link, without_terms)


async def last_link(session: AsyncSession) -> ChainLink | None:
    """Return the last link in the database, or None if there is no link."""
    row = await session.scalar(
        select(AuditChainLink).order_by(AuditChainLink.number.desc()).limit(1)
    )
    return _to_link(row) if row else None


async def last_number(session: AsyncSession) -> int:
    """Return the number of the last link in the database, or 0."""
    return await session.scalar(select(func.max(AuditChainLink.number))) or 0


async def links_after(session: AsyncSession, number: int, *, limit: int) -> list[ChainLink]:
    """Return at most `limit` links with numbers above `number`, in the order of their numbers."""
    rows = await session.scalars(
        select(AuditChainLink)
        .where(AuditChainLink.number > number)
        .order_by(AuditChainLink.number)
        .limit(limit)
    )
    return [_to_link(row) for row in rows]


async def last_covered(session: AsyncSession, link: ChainLink) -> LastCovered | None:
    """Return the last entry that the links up to `link` cover, or None if no entry is left."""
    row = (await session.execute(_LAST_COVERED, {"upto": link.upto_txn})).one_or_none()
    return LastCovered(**row._asdict()) if row else None


async def oldest_uncovered(
    session: AsyncSession, link: ChainLink | None, age: timedelta
) -> datetime | None:
    """Return the time of the oldest entry that no link up to `link` covers.

    If `link` is None, no entry is covered. Returns None if no uncovered entry is older than `age`.
    """
    values = {"after": link.upto_txn if link else BEFORE_FIRST, "age": age}
    oldest: datetime | None = await session.scalar(_OLDEST_UNCOVERED, values)
    return oldest


async def notify_admins(session: AsyncSession) -> None:
    """Send the chain's last link to the admin chat, at most once a day (UTC)."""
    last = await last_link(session)
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


async def find_faults(session: AsyncSession) -> list[Violation]:
    """Return the faults of the audit chain in the database.

    Two faults are possible: a link covers a transaction that has not ended, or an entry older than
    LATE has no link.
    """
    last = await last_link(session)
    horizon = (await session.execute(_HORIZON)).scalar_one()
    oldest = await oldest_uncovered(session, last, LATE)
    faults = []
    if last is not None and last.upto_txn > horizon:
        faults.append(
            Violation(
                "audit_chain_ahead",
                "a link of the audit chain covers transactions that have not ended",
                [{"ref": last.number, "upto_txn": last.upto_txn}],
            )
        )
    if oldest is not None:
        faults.append(
            Violation(
                "audit_chain_late",
                "entries of the ledger are old, and no link of the audit chain covers them",
                # The same `ref` each time: links are added, and the fault remains the same.
                [{"ref": 0, "last": last.number if last else 0, "since": oldest.isoformat()}],
            )
        )
    return faults


def rewritten_link(kept: ChainLink, found: ChainLink | None) -> Violation:
    """Build the violation for a link that differs between the file and the database.

    `kept` is the file's link. `found` is the database's link, or None if the database has no such
    link.
    """
    row: dict[str, Any] = {"ref": kept.number, "kept": kept.digest}
    return Violation(
        "audit_chain_link",
        "a link of the audit chain is not the one in its file: old ledger rows were changed",
        [row | {"found": found.digest if found else None}],
    )


def _to_link(row: AuditChainLink) -> ChainLink:
    return ChainLink(row.number, row.from_txn, row.upto_txn, row.entries, row.digest)
