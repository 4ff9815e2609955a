"""The query of each invariant for new rows finds what the query for all rows finds."""
# ruff: noqa: S608 - statements of a test, with ids of its own

from collections.abc import AsyncIterator

import pytest

from sandbox import embedded
from services.money import invariants, scoped_invariants
from tests.conftest import Database, copied_database
from tests.factories import people, tampering
from tests.services.money import check_runs


@pytest.fixture
async def world(server: embedded.Postgres, business: str) -> AsyncIterator[Database]:
    """Some business in a database that may be left broken."""
    async with copied_database(server, business) as database:
        yield database


def test_every_invariant_has_a_query_for_new_rows() -> None:
    """One without would be asked about the whole history each minute."""
    cheap = (
        scoped_invariants.ROW_FILTERS.keys() | scoped_invariants.IMPLIED | {"correction_done_once"}
    )  # few, ever
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
    world: Database, table: str, change: str, broken: set[str]
) -> None:
    since = await check_runs.horizon(world)
    assert await check_runs.broken_since(world, since) == set()
    await world.as_owner(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    await world.as_owner(f"ALTER TABLE {table} ENABLE TRIGGER stamped")
    await world.as_owner(change)
    assert await check_runs.broken_since(world, since) == broken


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ("balance = balance + 1", {"wallet_balance"}),
        ("version = version + 1", {"wallet_version"}),
    ],
)
async def test_a_wallet_with_new_entries_is_checked(
    world: Database, change: str, broken: set[str]
) -> None:
    since = await check_runs.horizon(world)
    async with world.sessions.begin() as session:
        payer = await people.person(session, balance=100)
    await tampering.tamper(
        world, f"UPDATE wallets SET {change} WHERE kind = 'user' AND user_id = {payer.user_id}"
    )
    assert await check_runs.broken_since(world, since) == broken
