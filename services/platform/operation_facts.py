"""Read from the database the numbers about the product's operation, for metrics and alerts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Interval, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.platform import heartbeats, killswitches

FEW_APPROVALS = 10
"""With fewer approvals than this, the share of slow approvals says nothing."""

# A count of a queue stops at 10,000 rows. Every part has an index.
_NUMBERS = text(
    """
    WITH late AS (
        SELECT escrow.id FROM escrows escrow
        JOIN campaign_targets target ON target.id = escrow.campaign_target_id
        LEFT JOIN post_jobs job ON job.campaign_target_id = target.id
        WHERE escrow.status = 'held' AND escrow.created_at < clock() - :sla
            AND greatest(escrow.created_at, publish_time(target.id, target.publish_at))
                < clock() - :sla
            AND (job.id IS NULL OR job.status <> 'success')
        LIMIT 10000
    ), open_updates AS (
        SELECT received_at FROM inbox WHERE done_at IS NULL AND failed_at IS NULL
        ORDER BY id LIMIT 10000
    ), queued AS (
        SELECT priority, created_at FROM outbox
        WHERE status = 'queued' AND due_at < now() + interval '1 minute'
        ORDER BY priority, due_at LIMIT 10000
    )
    SELECT
        (SELECT count(*) FROM open_updates) AS inbox_open,
        (SELECT extract(epoch FROM now() - min(received_at)) FROM open_updates)
            AS inbox_oldest_seconds,
        (SELECT count(*) FROM queued) AS outbox_queued,
        (SELECT extract(epoch FROM clock() - min(created_at)) FROM queued)
            AS outbox_oldest_seconds,
        (SELECT extract(epoch FROM clock() - min(created_at)) FROM queued WHERE priority = 0)
            AS alarms_oldest_seconds,
        (SELECT count(*) FROM post_jobs WHERE status = 'uncertain') AS posts_uncertain,
        (SELECT count(*) FROM post_jobs WHERE status = 'sending') AS posts_sending,
        (SELECT extract(epoch FROM clock() - min(due_at)) FROM post_jobs WHERE status = 'queued')
            AS posts_late_seconds,
        (SELECT count(*) FROM post_jobs
            WHERE status = 'failed' AND updated_at > clock() - interval '1 hour') AS dead_letters,
        (SELECT count(*) FROM post_jobs
            WHERE status IN ('failed', 'cancelled') AND NOT settled
            AND updated_at < clock() - interval '2 minutes') AS refunds_late,
        (SELECT extract(epoch FROM clock() - min(began_at)) FROM payout_waits
            WHERE ended_at IS NULL) AS payout_waits_oldest_seconds,
        (SELECT extract(epoch FROM clock() - min(created_at)) FROM deposit_returns
            WHERE status IN ('sending', 'uncertain') OR status = 'requested'
                AND EXISTS (SELECT FROM running_switches WHERE key = 'withdrawals'))
            AS returns_oldest_seconds,
        (SELECT count(*) FROM escrows WHERE status = 'held') AS escrows_held,
        (SELECT count(*) FROM late) AS escrows_late,
        (SELECT count(*) FROM incidents WHERE closed_at IS NULL AND kind = 'ledger_violation')
            AS ledger_incidents,
        (SELECT count(*) FROM incidents WHERE closed_at IS NULL AND kind = 'audit_chain_broken')
            AS audit_chain_incidents,
        (SELECT count(*) FROM incidents WHERE closed_at IS NULL AND kind = 'telegram_down')
            AS telegram_incidents,
        (SELECT extract(epoch FROM clock() - created_at) FROM ledger_checkpoints
            ORDER BY id DESC LIMIT 1) AS ledger_check_age_seconds,
        (SELECT violations FROM ledger_checkpoints ORDER BY id DESC LIMIT 1) AS ledger_violations,
        (SELECT sum(occurred) FROM failure_counts
            WHERE kind = 'clicks_lost' AND minute > now() - interval '10 minutes')
            AS clicks_lost_recently
    """
).bindparams(bindparam("sla", type_=Interval()))
_MONEY_HELD = text(
    """
    SELECT wallet.currency, sum(escrow.amount)::bigint
    FROM escrows escrow JOIN wallets wallet ON wallet.id = escrow.wallet_id
    WHERE escrow.status = 'held' GROUP BY wallet.currency
    """
)
_WITHDRAWALS = text(
    """
    SELECT status, count(*) FROM withdrawals
    WHERE status IN ('requested', 'approved') GROUP BY status
    """
)


@dataclass(frozen=True)
class Facts:
    """The facts that were read at one moment."""

    numbers: Mapping[str, float]
    """The facts of `alert_conditions` and other numbers, by name."""
    money_held: Mapping[str, int]
    """The money in escrow by currency, in minor units."""
    withdrawals: Mapping[str, int]
    """The withdrawals that wait, by status."""
    switches: Mapping[str, bool]
    """Whether each kill switch is running. A switch without a row is not running."""
    processes: Mapping[str, int]
    """The number of living processes by name."""


async def read(session: AsyncSession, *, sla: timedelta) -> Facts:
    """Read all facts. `sla` is the time for which money may be held without a published post."""
    row = (await session.execute(_NUMBERS, {"sla": sla})).one()
    numbers = {name: max(float(value or 0), 0.0) for name, value in row._asdict().items()}
    switches = await killswitches.overview(session)
    processes = await heartbeats.count_alive(session)
    counted = await heartbeats.sum_facts(session)
    numbers |= counted
    approvals = counted.get("approvals", 0.0)
    numbers["approve_slow_share"] = (
        counted.get("approvals_slow", 0.0) / approvals if approvals >= FEW_APPROVALS else 0.0
    )
    numbers["switches_missing"] = sum(switch.missing for switch in switches)
    numbers["bots_missing"] = float(processes[heartbeats.BOT] == 0)
    numbers["scheduler_loop_lag_seconds"] = await heartbeats.longest_lag(
        session, name=heartbeats.SCHEDULER
    )
    held = (await session.execute(_MONEY_HELD)).all()
    waiting = (await session.execute(_WITHDRAWALS)).all()
    return Facts(
        numbers,
        money_held=dict(held),
        withdrawals={"requested": 0, "approved": 0} | dict(waiting),
        switches={switch.key.value: switch.enabled for switch in switches},
        processes=processes,
    )
