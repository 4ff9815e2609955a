"""Test that queries for new rows find the same violations as queries for all rows."""

import pytest

from services.money import invariants, scoped_invariants
from tests.conftest import Database
from tests.factories import breakage, people
from tests.services.money import check_runs


def test_every_invariant_has_a_query_for_new_rows() -> None:
    cheap = (
        scoped_invariants.ROW_FILTERS.keys()
        | scoped_invariants.IMPLIED
        | {"correction_done_once", "excess_payment_booked_once"}
    )  # their tables stay small
    assert cheap == {invariant.name for invariant in invariants.INVARIANTS}


@pytest.mark.parametrize(
    ("table", "change", "broken"),
    [
        (
            "campaign_targets",
            "UPDATE campaign_targets SET status = 'expired' WHERE status = 'approved'",
            {"held_is_undecided"},
        ),
        (
            "post_jobs",
            "UPDATE post_jobs SET status = 'failed' WHERE status = 'success'",
            {"released_is_paid_once"},
        ),
        (
            "deposits",
            "UPDATE deposits SET status = 'received' WHERE status = 'credited'",
            {"deposit_credited_once"},
        ),
        (
            "withdrawals",
            (
                "UPDATE withdrawals SET status = 'returned', settled_at = clock()"
                " WHERE status = 'requested'"
            ),
            {"withdrawal_settled_once", "withdrawal_wallet"},
        ),
        (
            "escrows",
            "UPDATE escrows SET status = 'released', settled_at = clock() WHERE status = 'held'",
            {"released_is_paid_once", "escrow_wallet"},
        ),
        (
            "campaign_targets",
            """INSERT INTO campaign_targets
                (campaign_id, channel_id, owner_id, price, promised_hours, fee_bps)
            SELECT campaign_id, channel_id, owner_id, 20000, 0, 0
            FROM campaign_targets WHERE status = 'approved'""",
            {"campaign_budget"},
        ),
    ],
)
async def test_a_change_of_an_old_row_is_checked(
    business_database: Database, table: str, change: str, broken: set[str]
) -> None:
    since = await check_runs.horizon(business_database)
    assert await check_runs.broken_since(business_database, since) == set()
    await business_database.as_owner(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    await business_database.as_owner(f"ALTER TABLE {table} ENABLE TRIGGER stamped")
    await business_database.as_owner(change)
    assert await check_runs.broken_since(business_database, since) == broken


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ("balance = balance + 1", {"wallet_balance"}),
        ("version = version + 1", {"wallet_version"}),
    ],
)
async def test_a_wallet_with_new_entries_is_checked(
    business_database: Database, change: str, broken: set[str]
) -> None:
    since = await check_runs.horizon(business_database)
    async with business_database.sessions.begin() as session:
        payer = await people.person(session, balance=100)
    await breakage.run_unguarded(
        business_database,
        f"UPDATE wallets SET {change} WHERE kind = 'user' AND user_id = {payer.user_id}",
    )
    assert await check_runs.broken_since(business_database, since) == broken
