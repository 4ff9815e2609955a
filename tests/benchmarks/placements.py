"""Fill the ledger quickly with settled placements, each with its five entries."""

import asyncpg

from tests.benchmarks import checks
from tests.benchmarks.market import ADVERTISERS, OWNERS, PRICE

FEE = PRICE // 10
DEPOSIT = 1_000_000_000_000
HELD_SHARE = 100
"""One of so many placements is still held. These are the newest ones."""
# `market.fill` gives each person two wallets. Then each owner gets a wallet for the revenue.
REVENUE_WALLET = 2 * (1 + ADVERTISERS + OWNERS)
"""The revenue wallet of the owner with the number o has the id o more than this."""
ESCROW_WALLET = REVENUE_WALLET + OWNERS
"""The wallet of the placement n has the id n more than this."""

# Placement n is number `line` of its advertiser and of its owner: both have every 1,000th.
_NUMBERED = f"""
    SELECT n, 1 + n % {ADVERTISERS} AS campaign, 1 + (n * 7) % {OWNERS} AS channel,
        2 + n % {ADVERTISERS} AS advertiser, {2 + ADVERTISERS} + (n * 7) % {OWNERS} AS owner,
        n / {OWNERS} + (n % {OWNERS} > 0)::integer AS line, n > $1::bigint - $2::bigint AS held
    FROM generate_series(1, $1::bigint) AS n
"""
_ROWS = (
    f"""
    INSERT INTO campaign_targets (id, campaign_id, channel_id, owner_id, price, promised_hours,
        fee_bps, status, decided_by, decided_at)
    OVERRIDING SYSTEM VALUE
    SELECT n, campaign, channel, owner, {PRICE}, 0, 1000,
        CASE WHEN held THEN 'approved' ELSE 'posted' END, 1, now()
    FROM ({_NUMBERED}) AS placement
    """,
    f"""
    INSERT INTO wallets (id, kind, balance, version, currency) OVERRIDING SYSTEM VALUE
    SELECT {ESCROW_WALLET} + n, 'escrow', CASE WHEN held THEN {PRICE} ELSE 0 END,
        CASE WHEN held THEN 1 ELSE 2 END, 'USD'
    FROM ({_NUMBERED}) AS placement
    """,
    f"""
    INSERT INTO escrows (id, campaign_target_id, wallet_id, amount, fee, status, settled_at)
    OVERRIDING SYSTEM VALUE
    SELECT n, n, {ESCROW_WALLET} + n, {PRICE}, {FEE},
        CASE WHEN held THEN 'held' ELSE 'released' END, CASE WHEN NOT held THEN now() END
    FROM ({_NUMBERED}) AS placement
    """,
    f"""
    INSERT INTO post_jobs (id, campaign_target_id, channel_id, due_at, status, message_id, settled)
    OVERRIDING SYSTEM VALUE
    SELECT n, n, channel, now(), 'success', n, NOT held FROM ({_NUMBERED}) AS placement
    """,
    f"""
    INSERT INTO ledger_transfers (id, key, reason, reference_id) OVERRIDING SYSTEM VALUE
    SELECT {ADVERTISERS} + 2 * n - 1 + step, reason || ':' || n, reason, n
    FROM ({_NUMBERED}) AS placement
    CROSS JOIN (VALUES (0, 'escrow_hold'), (1, 'payout')) AS transfer (step, reason)
    WHERE step = 0 OR NOT held
    """,
    f"""
    INSERT INTO ledger_entries (id, transfer_id, wallet_id, amount, balance_after, version, reason,
        reference_id)
    OVERRIDING SYSTEM VALUE
    SELECT {2 * ADVERTISERS} + 5 * n + leg.number, {ADVERTISERS} + 2 * n - 1 + leg.step,
        leg.wallet, leg.amount, leg.balance, leg.version, leg.reason, n
    FROM ({_NUMBERED}) AS placement
    CROSS JOIN LATERAL (VALUES
        (0, 0, (SELECT id FROM user_wallets WHERE user_id = advertiser), -{PRICE},
            {DEPOSIT} - {PRICE} * line, line + 1, 'escrow_hold'),
        (1, 0, {ESCROW_WALLET} + n, {PRICE}, {PRICE}, 1, 'escrow_hold'),
        (2, 1, {ESCROW_WALLET} + n, -{PRICE}, 0, 2, 'escrow_release'),
        (3, 1, (SELECT id FROM user_wallets WHERE user_id = owner), {PRICE - FEE},
            {PRICE - FEE} * line, line, 'payout'),
        (4, 1, {REVENUE_WALLET} + channel, {FEE}, {FEE} * line, line, 'fee')
    ) AS leg (number, step, wallet, amount, balance, version, reason)
    WHERE leg.step = 0 OR NOT held
    """,
)
_REVENUE_WALLETS = f"""
    INSERT INTO wallets (id, kind, counterparty_id, currency) OVERRIDING SYSTEM VALUE
    SELECT {REVENUE_WALLET} + o, 'revenue', {1 + ADVERTISERS} + o, 'USD'
    FROM generate_series(1, {OWNERS}) AS o
"""
_USER_WALLETS = """
    CREATE TEMPORARY TABLE user_wallets AS SELECT user_id, id FROM wallets WHERE kind = 'user'
"""
_BALANCES = f"""
    UPDATE wallets wallet SET version = last.version, balance = last.balance_after
    FROM (SELECT DISTINCT ON (wallet_id) wallet_id, version, balance_after FROM ledger_entries
        WHERE wallet_id <= {ESCROW_WALLET} ORDER BY wallet_id, version DESC) AS last
    WHERE last.wallet_id = wallet.id
"""


def release_transfer(number: int) -> int:
    """Return the id of the transfer that released a placement."""
    return ADVERTISERS + 2 * number


async def load(url: str, count: int) -> None:
    """Add `count` placements to a market that `market.fill` has just created without placements.

    Needs the role of the superuser: no trigger runs, and the ledger has no indexes meanwhile.
    """
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(_REVENUE_WALLETS)
        await connection.execute(_USER_WALLETS)
        await connection.execute("CREATE INDEX ON user_wallets (user_id); ANALYZE user_wallets")
        indexes = await checks.drop_indexes(connection)
        for statement in _ROWS:
            await connection.execute(statement, count, count // HELD_SHARE)
        for statement in indexes:
            await connection.execute(statement)
        await connection.execute(_BALANCES)
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
