"""Test that the check of the ledger finds a violation of each invariant."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch
from services.money import incidents, invariants
from services.platform import killswitches
from tests.factories import people, rows

RELEASED, REFUNDED, HELD = (
    f"(SELECT campaign_target_id FROM escrows WHERE status = '{status}')"
    for status in ("released", "refunded", "held")
)
SOMEBODYS = "(SELECT min(id) FROM wallets WHERE kind = 'user')"
DECIDED = (
    "ALTER TABLE complaints DISABLE TRIGGER initial_status;"
    "INSERT INTO complaints (campaign_target_id, number, kind, status, owner_percent, decided_by,"
    " outcome, closed_at)"
    " VALUES ({target}, 1, 'wrong', 'closed', {percent}, (SELECT min(id) FROM users), '{outcome}',"
    " now());"
    "INSERT INTO complaint_steps (complaint_id, kind, actor_id, owner_percent)"
    " SELECT complaints.id, step.kind, decided_by, owner_percent FROM complaints"
    " CROSS JOIN (VALUES ('decided'), ('ended')) AS step (kind)"
)
"""SQL that adds a complaint whose decision has taken effect."""
BREAKS: dict[str, list[str]] = {
    "wallet_balance": [f"UPDATE wallets SET balance = balance + 1 WHERE id = {SOMEBODYS}"],
    "wallet_version": [f"UPDATE wallets SET version = version + 1 WHERE id = {SOMEBODYS}"],
    "running_balance": [
        (
            "UPDATE ledger_entries SET balance_after = balance_after + 1"
            " WHERE id = (SELECT max(id) FROM ledger_entries)"
        )
    ],
    "zero_sum": [
        "INSERT INTO ledger_transfers (key, reason, reference_id) VALUES ('x', 'adjustment', 1)"
    ],
    "ledger_total zero_sum wallet_balance running_balance": [
        (
            "UPDATE ledger_entries SET amount = amount + 1"
            " WHERE id = (SELECT min(id) FROM ledger_entries)"
        )
    ],
    "approved_has_escrow_and_job": [f"DELETE FROM post_jobs WHERE campaign_target_id = {HELD}"],
    "agreed_before_approved": [
        "ALTER TABLE placement_answers DISABLE TRIGGER append_only",
        f"DELETE FROM placement_answers WHERE campaign_target_id = {HELD}",
    ],
    "times_apart": [
        "ALTER TABLE kept_times DROP CONSTRAINT no_two_ads_at_once",
        (
            "INSERT INTO kept_times (campaign_target_id, channel_id, kept_from, kept_until)"
            f" SELECT each.id, (SELECT channel_id FROM campaign_targets WHERE id = {HELD}),"
            " clock() + number * interval '30 minutes', clock() + interval '2 hours'"
            f" FROM (VALUES ({HELD}, 0), ({REFUNDED}, 1)) AS each (id, number)"
        ),
    ],
    "escrow_unique escrow_wallet": [
        "ALTER TABLE escrows DROP CONSTRAINT uq_escrows_campaign_target_id",
        (
            "INSERT INTO escrows (campaign_target_id, wallet_id, amount, fee)"
            f" VALUES ({HELD}, open_wallet('escrow', NULL, NULL, 'USD'), 5, 0)"
        ),
    ],
    "job_unique": [
        "ALTER TABLE post_jobs DROP CONSTRAINT uq_post_jobs_campaign_target_id",
        (
            "INSERT INTO post_jobs (campaign_target_id, channel_id, status, due_at)"
            " SELECT campaign_target_id, channel_id, 'cancelled', due_at FROM post_jobs"
            f" WHERE campaign_target_id = {HELD}"
        ),
    ],
    "released_is_paid_once": [
        f"UPDATE campaign_targets SET status = 'approved' WHERE id = {RELEASED}"
    ],
    "refunded_is_refunded_once": [
        f"UPDATE campaign_targets SET status = 'withdrawn' WHERE id = {REFUNDED}"
    ],
    "held_is_undecided": [f"UPDATE campaign_targets SET status = 'expired' WHERE id = {HELD}"],
    "complaint_holds_escrow": [
        (
            "INSERT INTO complaints (campaign_target_id, number, kind, due_at)"
            f" VALUES ({RELEASED}, 1, 'wrong', now())"
        )
    ],
    "decision_is_carried_out": DECIDED.format(target=RELEASED, outcome="split", percent=50).split(
        ";"
    ),
    "closed_complaint_has_reason": [
        "ALTER TABLE complaints DISABLE TRIGGER initial_status",
        (
            "INSERT INTO complaints (campaign_target_id, number, kind, status, outcome, closed_at)"
            f" VALUES ({RELEASED}, 1, 'wrong', 'closed', 'silent', now())"
        ),
    ],
    "published_again_once": [
        "ALTER TABLE post_jobs DISABLE TRIGGER claimed",
        f"UPDATE post_jobs SET removed_message_id = 1 WHERE campaign_target_id = {RELEASED}",
    ],
    "escrow_wallet": [
        (
            "UPDATE wallets SET kind = 'revenue', counterparty_id = (SELECT min(id) FROM users)"
            " WHERE id = (SELECT wallet_id FROM escrows WHERE status = 'held')"
        )
    ],
    "escrow_wallet_owned": ["SELECT open_wallet('escrow', NULL, NULL, 'USD')"],
    "orphan_target": [
        "ALTER TABLE campaign_targets DROP CONSTRAINT fk_campaign_targets_channel_id",
        f"UPDATE campaign_targets SET channel_id = 999999 WHERE id = {REFUNDED}",
    ],
    "campaign_budget": [
        (
            "UPDATE campaigns SET total_budget = 1"
            f" WHERE id = (SELECT campaign_id FROM campaign_targets WHERE id = {HELD})"
        )
    ],
    "deposit_credited_once": [
        "UPDATE deposits SET status = 'received' WHERE id = (SELECT min(id) FROM deposits)"
    ],
    "clawback_booked_once": ["UPDATE clawbacks SET loss = 0, recovered = 0"],
    "deposit_returned_once": [
        "UPDATE deposits SET status = 'returned' WHERE id = (SELECT min(id) FROM deposits)"
    ],
    "excess_payment_booked_once": [
        "UPDATE excess_payments SET amount = 1, recovered = 1, loss = 0"
    ],
    "withdrawal_settled_once": [
        (
            "UPDATE withdrawals SET status = 'returned', external_reference = NULL"
            " WHERE status = 'paid'"
        ),
    ],
    "withdrawal_within_due": ["UPDATE withdrawals SET amount = amount + 1 WHERE status = 'paid'"],
    "withdrawal_wallet": ["UPDATE withdrawals SET amount = 1 WHERE status = 'requested'"],
    "correction_done_once": ["UPDATE corrections SET status = 'confirmed', done_at = NULL"],
}
MORE = {
    "a release of a failed post": (
        "released_is_paid_once",
        f"UPDATE post_jobs SET status = 'failed' WHERE campaign_target_id = {RELEASED}",
    ),
    "a release without a payout": (
        "released_is_paid_once",
        "UPDATE ledger_entries SET reason = 'fee' WHERE reason = 'payout'",
    ),
    "a refund under another name": (
        "refunded_is_refunded_once",
        "UPDATE ledger_transfers SET reason = 'adjustment' WHERE reason = 'refund'",
    ),
    "a returned part without a decision": (
        "decision_is_carried_out",
        f"UPDATE escrows SET returned = 1 WHERE campaign_target_id = {RELEASED}",
    ),
    "a reversed deposit without a clawback": ("clawback_booked_once", "DELETE FROM clawbacks"),
    "a clawback of a deposit that stands": (
        "clawback_booked_once",
        "UPDATE deposits SET status = 'credited' WHERE status = 'clawed_back'",
    ),
    "a return whose money was never held": (
        "deposit_returned_once",
        (
            "INSERT INTO deposit_returns (deposit_id, number, user_id, amount, currency, status)"
            " SELECT id, 0, user_id, amount, currency, 'refused' FROM deposits ORDER BY id LIMIT 1"
        ),
    ),
    "a payment in excess of an open withdrawal": (
        "excess_payment_booked_once",
        (
            "UPDATE excess_payments SET withdrawal_id ="
            " (SELECT id FROM withdrawals WHERE status = 'requested')"
        ),
    ),
    "a fee of a withdrawal under another name": (
        "withdrawal_within_due",
        "UPDATE ledger_entries SET reason = 'fee' WHERE reason = 'withdrawal_fee'",
    ),
    "a withdrawal that was never held": (
        "withdrawal_settled_once",
        "UPDATE ledger_entries SET reason = 'fee' WHERE reason = 'withdrawal_hold'",
    ),
}


async def test_the_books_are_sound_before_they_are_broken(owner: AsyncSession) -> None:
    assert await invariants.run(owner) == []


def test_every_invariant_is_broken_once() -> None:
    assert {name for names in BREAKS for name in names.split()} == {
        invariant.name for invariant in invariants.INVARIANTS
    }
    assert all(invariant.meaning for invariant in invariants.INVARIANTS)


@pytest.mark.parametrize("names", BREAKS)
async def test_a_broken_invariant_is_found_and_freezes_money(
    owner: AsyncSession, names: str
) -> None:
    for statement in BREAKS[names]:
        await owner.execute(text(statement))
    found = await invariants.run(owner)
    assert {violation.name for violation in found} == set(names.split())
    assert all("ref" in row for violation in found for row in violation.rows)

    for _ in range(2):  # the second check finds the same incident
        assert {v.name for v in await incidents.check_ledger_invariant(owner)} == set(names.split())
    stopped = {state.key for state in await killswitches.overview(owner) if not state.enabled}
    assert stopped == set(killswitches.FROZEN_BY_INCIDENT)
    assert await rows.table(owner, "SELECT kind, closed_at IS NULL FROM incidents") == [
        ("ledger_violation", True)
    ]
    told = await rows.one(owner, "SELECT payload FROM outbox WHERE kind = 'ledger_violation'")
    assert {violation["name"] for violation in told["violations"]} == set(names.split())
    assert (
        await rows.table(owner, "SELECT violations FROM ledger_checkpoints ORDER BY id")
        == [(len(found),)] * 2
    )


async def test_a_release_against_the_decision_is_found(owner: AsyncSession) -> None:
    refunded = DECIDED.format(target=RELEASED, outcome="refunded", percent=0)
    for statement in refunded.split(";"):
        await owner.execute(text(statement))
    assert [each.name for each in await invariants.run(owner)] == ["decision_is_carried_out"]


async def test_a_decision_without_its_step_is_found(owner: AsyncSession) -> None:
    for statement in DECIDED.format(target=RELEASED, outcome="released", percent=100).split(";"):
        await owner.execute(text(statement))
    assert await invariants.run(owner) == []
    await owner.execute(text("UPDATE complaints SET decided_by = decided_by + 1"))
    assert [each.name for each in await invariants.run(owner)] == ["closed_complaint_has_reason"]


@pytest.mark.parametrize("what", MORE)
async def test_other_violations_are_found(owner: AsyncSession, what: str) -> None:
    name, statement = MORE[what]
    await owner.execute(text(statement))
    assert [violation.name for violation in await invariants.run(owner)] == [name]


async def test_a_sound_ledger_leaves_a_checkpoint_and_nothing_else(session: AsyncSession) -> None:
    await people.approved(session)
    before = await rows.snapshot(session)
    assert await incidents.check_ledger_invariant(session) == []
    assert rows.added(before, await rows.snapshot(session)) == {"ledger_checkpoints": 1}
    assert await rows.table(session, "SELECT violations, details FROM ledger_checkpoints") == [
        (0, {})
    ]


async def test_a_missing_switch_row_does_not_prevent_the_freeze(owner: AsyncSession) -> None:
    await owner.execute(text("DELETE FROM kill_switches WHERE key = 'payouts'"))
    await owner.execute(text(BREAKS["wallet_balance"][0]))
    assert await incidents.check_ledger_invariant(owner)
    states = {state.key: state for state in await killswitches.overview(owner)}
    assert all(not states[key].enabled for key in killswitches.FROZEN_BY_INCIDENT)
    assert states[Switch.PAYOUTS].missing
    assert await rows.one(owner, "SELECT count(*) FROM incidents") == 1
