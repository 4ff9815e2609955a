"""Give each job of the application a login of its own, with the rights that the job needs.

The logins are made with the database (`docs/deploy.md`). `db/rights.toml` says why a login has each
of its rights.
"""

import importlib

from alembic import op

revision = "0006"
down_revision = "0003"
branch_labels = None
depends_on = None

JOBS = ("adtech_intake", "adtech_bot", "adtech_clock", "adtech_reports")

# A role that is missing, or an adtech_app that is no member of a job, is one clear error here.
REQUIRE_ROLES = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM unnest(ARRAY['adtech_intake', 'adtech_bot', 'adtech_clock',
            'adtech_reports']) AS job WHERE NOT pg_has_role('adtech_app', job, 'MEMBER'))
        THEN
            RAISE EXCEPTION 'adtech_app must be a member of all logins by job, see docs/deploy.md';
        END IF;
    END $$
"""

GRANTS = {
    "adtech_intake": (
        "SELECT (id, update_id) ON inbox",
        "INSERT (update_id, lane, payload) ON inbox",
    ),
    "adtech_bot": (
        "SELECT ON ALL TABLES IN SCHEMA public",
        (
            "EXECUTE ON FUNCTION clock, ledger_txn, ledger_horizon, post_transfer, open_wallet,"
            " lock_wallet, hold_escrow, approve_target"
        ),
        (
            "INSERT ON users, user_roles, user_audit_logs, moved_chats, campaigns, channels,"
            " campaign_targets, escrows, post_jobs, post_checks, deposits, withdrawals, clawbacks,"
            " corrections, outbox, leases, ledger_checkpoints, incidents"
        ),
        "UPDATE (language, language_chosen, time_zone, blocked) ON users",
        "UPDATE (status) ON campaigns",
        (
            "UPDATE (owner_id, title, username, topic, subscribers, price, promised_hours, status,"
            " status_reason, was_paused, last_message_id) ON channels"
        ),
        "UPDATE (status, decided_by, decided_at, decision_reason) ON campaign_targets",
        "UPDATE (release_due_at) ON escrows",
        (
            "UPDATE (status, due_at, updated_at, last_error, message_id, sent_at, first_absent_at,"
            " next_check_at, escalate_at, offered_at) ON post_jobs"
        ),
        "UPDATE (status, credited_at) ON deposits",
        (
            "UPDATE (status, external_reference, decided_by, return_reason, settled_at, paying_by,"
            " paying_until) ON withdrawals"
        ),
        "UPDATE (status, confirmed_by, confirm_reason, done_at) ON corrections",
        "UPDATE (enabled, changed_by, changed_at, reason) ON kill_switches",
        "UPDATE (payload, attempts, done_at, failed_at, last_error) ON inbox",
        "UPDATE (owner, epoch, held_until) ON leases",
        "UPDATE (new_chat_id) ON moved_chats",
        "UPDATE (closed_at, closed_by) ON incidents",
    ),
    "adtech_clock": (
        "SELECT ON ALL TABLES IN SCHEMA public",
        "EXECUTE ON FUNCTION clock, ledger_txn, ledger_horizon, post_transfer, open_wallet, lock_wallet",
        (
            "INSERT ON user_audit_logs, moved_chats, post_checks, deposits, clawbacks, outbox,"
            " leases, heartbeats, ledger_checkpoints, audit_chain_links, incidents"
        ),
        "DELETE ON inbox",
        "UPDATE (blocked) ON users",
        "UPDATE (status, status_reason, was_paused, last_message_id) ON channels",
        "UPDATE (status) ON campaign_targets",
        "UPDATE (status, release_due_at, settled_at) ON escrows",
        (
            "UPDATE (status, due_at, claim_no, attempts, lease_owner, lease_until, last_error,"
            " message_id, sent_at, updated_at, unsent_claim_no, abandoned, known_message_id,"
            " first_absent_at, next_check_at, escalate_at) ON post_jobs"
        ),
        "UPDATE (status, credited_at) ON deposits",
        "UPDATE (status, return_reason, settled_at) ON withdrawals",
        "UPDATE (enabled, changed_by, changed_at, reason) ON kill_switches",
        "UPDATE (status, due_at, attempts, last_error, message_id, sent_at) ON outbox",
        "UPDATE (owner, epoch, held_until) ON leases",
        "UPDATE (beat_at) ON heartbeats",
        "UPDATE (new_chat_id) ON moved_chats",
        "UPDATE (closed_at, closed_by) ON incidents",
    ),
    "adtech_reports": (
        "SELECT ON ALL TABLES IN SCHEMA public",
        "EXECUTE ON FUNCTION clock, ledger_txn, ledger_horizon",
    ),
}


def upgrade() -> None:
    """Take all rights from adtech_app itself, and give each job its own."""
    op.execute(REQUIRE_ROLES)
    _revoke("adtech_app")
    for role, rights in GRANTS.items():
        for right in rights:
            op.execute(f"GRANT {right} TO {role}")
    op.execute("REVOKE SELECT ON inbox FROM adtech_reports")
    op.execute("REVOKE SELECT ON launch_runs FROM adtech_bot, adtech_clock")


def downgrade() -> None:
    """Give adtech_app its own rights again."""
    for role in JOBS:
        _revoke(role)
    baseline = importlib.import_module("migrations.versions.0001_baseline")
    for right in (*baseline.GRANTS, "UPDATE (paying_by, paying_until) ON withdrawals"):
        op.execute(f"GRANT {right} TO adtech_app")


def _revoke(role: str) -> None:
    """Take all rights on tables, columns and functions from a role."""
    for kind in ("TABLES", "FUNCTIONS"):
        op.execute(f"REVOKE ALL ON ALL {kind} IN SCHEMA public FROM {role}")
