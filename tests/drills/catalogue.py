"""List all drills by their names."""

from tests.drills import dead_processes, money, outages, restore, telegram_outages

DRILLS = {
    "ledger_violation": money.LEDGER_VIOLATION,
    "escrow_stuck": outages.ESCROW_STUCK,
    "wallet_mismatch": money.WALLET_MISMATCH,
    "telegram_closed": telegram_outages.CLOSED_PORT,
    "telegram_resets": telegram_outages.RESETS,
    "telegram_502": telegram_outages.BAD_GATEWAY,
    "redis_outage": outages.REDIS_OUTAGE,
    "crash_loop": outages.CRASH_LOOP,
    "partial_payout": money.PARTIAL_PAYOUT,
    "dead_scheduler": dead_processes.DEAD_SCHEDULER,
    "dead_bot": dead_processes.DEAD_BOT,
    "campaign_paused": outages.CAMPAIGN_PAUSED,
    "restore": restore.RESTORE,
    "database_away": dead_processes.DATABASE_AWAY,
}

LONGEST = frozenset({"restore", "telegram_closed", "telegram_resets", "telegram_502"})
"""The drills that take longest: nine switches run again, or posts are searched twice."""
