"""Read what the launch checks: the one small placement that people buy through the bot."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.platform import reports

_REAL = f"target.id NOT IN ({reports.TESTED_TARGETS})"
"""The condition of a placement of the launch: nobody in it is a tester."""
_PENDING = text(
    f"""
    SELECT target.id AS target_id, target.price, 0 AS fee, wallet.balance,
        NULL AS escrow_status, NULL AS job_status, NULL::timestamptz AS payable_at
    FROM campaign_targets target
    JOIN campaigns campaign ON campaign.id = target.campaign_id
    JOIN channels channel ON channel.id = target.channel_id
    JOIN wallets wallet ON wallet.user_id = campaign.advertiser_id AND wallet.kind = 'user'
    WHERE target.status = 'pending' AND target.created_at >= :since
        AND (target.answer_due_at IS NULL OR target.agreed_at IS NOT NULL)
        AND campaign.status = 'active' AND channel.status = 'active' AND {_REAL}
    ORDER BY target.id DESC LIMIT 1
    """  # noqa: S608 - only constants are put in
)
_HELD = text(
    f"""
    SELECT target.id AS target_id, held.amount AS price, held.fee, 0 AS balance,
        held.status AS escrow_status, job.status AS job_status,
        CASE WHEN held.release_due_at IS NOT NULL
            THEN greatest(held.release_due_at, job.sent_at + target.complaint_window)
        END AS payable_at
    FROM escrows held JOIN campaign_targets target ON target.id = held.campaign_target_id
    LEFT JOIN post_jobs job ON job.campaign_target_id = target.id
    WHERE held.created_at >= :since AND {_REAL}
    ORDER BY held.status = 'held' DESC, held.status = 'released' DESC, held.id DESC LIMIT 1
    """  # noqa: S608 - the same
)
_OF_TESTERS = text(
    f"""
    SELECT max(target.id) FROM campaign_targets target
    WHERE target.created_at >= :since AND target.status IN ('pending', 'approved')
        AND NOT ({_REAL})
    """  # noqa: S608 - the same
)
_COUNT = text("SELECT count(*) FROM escrows WHERE status = 'held' AND created_at >= :since")
_LEGS = text(
    """
    SELECT entry.amount FROM ledger_entries entry
    JOIN ledger_transfers moved ON moved.id = entry.transfer_id
    WHERE moved.reference_id = :target_id AND entry.reference_id = :target_id
        AND entry.reason = :reason
    """
)
_MISFITS = text(
    """
    SELECT held.campaign_target_id || ': ' || concat_ws(', ', coalesce(job.status, 'no post'),
        held.status)
    FROM escrows held
    LEFT JOIN post_jobs job ON job.campaign_target_id = held.campaign_target_id
    WHERE held.created_at >= :since AND NOT coalesce(CASE held.status
        WHEN 'refunded' THEN job.status IN ('failed', 'cancelled')
        WHEN 'released' THEN job.status = 'success'
        ELSE job.status NOT IN ('failed', 'cancelled') END, false)
    ORDER BY held.id
    """
)
_WALLETS = text(
    """
    SELECT wallet.id, wallet.balance, coalesce(sum(entry.amount), 0)::bigint AS ledger_sum
    FROM wallets wallet LEFT JOIN ledger_entries entry ON entry.wallet_id = wallet.id
    WHERE wallet.id IN (
            SELECT involved.wallet_id FROM ledger_entries involved
            JOIN ledger_transfers moved ON moved.id = involved.transfer_id
            JOIN escrows held ON held.campaign_target_id = moved.reference_id
            WHERE moved.reason IN ('escrow_hold', 'payout', 'refund') AND held.created_at >= :since)
        OR wallet.user_id IN (
            SELECT target.owner_id FROM campaign_targets target
            JOIN escrows held ON held.campaign_target_id = target.id
            WHERE held.created_at >= :since)
    GROUP BY wallet.id, wallet.balance ORDER BY wallet.id
    """
)


@dataclass(frozen=True)
class Placement:
    """A placement of the launch. Amounts are in minor units."""

    target_id: int
    price: int
    fee: int
    balance: int
    """The amount that the advertiser can spend while the placement is pending."""
    escrow_status: str | None
    job_status: str | None
    payable_at: datetime | None
    """When the promised hours and the time for complaints are over, or None before the publication.
    """

    def as_json(self) -> dict[str, Any]:
        """Return the placement as it is stored in the evidence."""
        payable_at = self.payable_at
        return asdict(self) | {"payable_at": payable_at.isoformat() if payable_at else None}


async def pending(session: AsyncSession, *, since: datetime) -> Placement | None:
    """Return the newest pending placement since a moment, without those of testers.

    Its campaign and channel are active.
    """
    return await _one(session, _PENDING, since)


async def held(session: AsyncSession, *, since: datetime) -> Placement | None:
    """Return the placement whose escrow was opened since a moment: the newest held one.

    A placement of a tester does not count, because real people have to buy and sell it. Without a
    held escrow, returns the newest released one, and otherwise the newest refunded one.
    """
    return await _one(session, _HELD, since)


async def newest_of_testers(session: AsyncSession, *, since: datetime) -> int | None:
    """Return the id of the newest pending or approved placement of a tester, or None."""
    target_id: int | None = await session.scalar(_OF_TESTERS, {"since": since})
    return target_id


async def _one(session: AsyncSession, query: Any, since: datetime) -> Placement | None:
    row = (await session.execute(query, {"since": since})).one_or_none()
    return None if row is None else Placement(**row._mapping)  # noqa: SLF001 - its documented name


async def count_held(session: AsyncSession, *, since: datetime) -> int:
    """Return how many of the escrows that were opened since a moment are held."""
    count: int = (await session.execute(_COUNT, {"since": since})).scalar_one()
    return count


async def legs(session: AsyncSession, target_id: int, *, reason: str) -> list[int]:
    """Return the amounts of those ledger entries about a placement that have this reason."""
    rows = await session.scalars(_LEGS, {"target_id": target_id, "reason": reason})
    return list(rows)


async def misfits(session: AsyncSession, *, since: datetime) -> list[str]:
    """Return the escrows whose status does not fit to the status of their post job."""
    return list(await session.scalars(_MISFITS, {"since": since}))


async def wallets(session: AsyncSession, *, since: datetime) -> list[dict[str, Any]]:
    """Return the balance and the sum of the entries of each wallet that the launch has used."""
    rows = await session.execute(_WALLETS, {"since": since})
    return [dict(row._mapping) for row in rows]  # noqa: SLF001 - its documented name
