"""Give each job of the application its own database role, and add triggers that check writes.

The database roles must exist before this migration (`docs/deploy.md`).
"""

import importlib
from collections.abc import Iterator
from functools import partial

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

JOBS = ("adtech_intake", "adtech_bot", "adtech_clock", "adtech_reports")

# If a login is missing, or adtech_app is no member of one, this statement fails with a clear error.
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
        "SELECT (kind, charge_id) ON received_payments",
        "INSERT (kind, charge_id, telegram_id, amount, currency) ON received_payments",
        "SELECT ON moved_chats, clock_shift",
        "INSERT (old_chat_id, new_chat_id) ON moved_chats",
        "EXECUTE ON FUNCTION clock",
    ),
    "adtech_bot": (
        "SELECT ON ALL TABLES IN SCHEMA public",
        (
            "EXECUTE ON FUNCTION clock, ledger_txn, ledger_horizon, post_transfer, open_wallet,"
            " lock_wallet, hold_escrow, approve_target, stop_switch, run_switch, settle_stop,"
            " open_incident"
        ),
        (
            "INSERT ON users, user_roles, user_audit_logs, campaigns, channels, campaign_targets,"
            " escrows, post_jobs, post_checks, publication_statements, deposits, withdrawals,"
            " clawbacks, excess_payments, corrections, staff_requests, outbox, leases,"
            " ledger_checkpoints"
        ),
        "DELETE ON user_roles",
        "UPDATE (status, acknowledged, decided_by, decided_at) ON staff_requests",
        "UPDATE (language, language_chosen, time_zone, blocked) ON users",
        "UPDATE (status) ON campaigns",
        (
            "UPDATE (owner_id, title, username, topic, subscribers, price, promised_hours, status,"
            " status_reason, suspended_at, was_paused, last_message_id) ON channels"
        ),
        "UPDATE (status, decided_by, decided_at, decision_reason) ON campaign_targets",
        "UPDATE (release_due_at) ON escrows",
        (
            "UPDATE (status, due_at, updated_at, last_error, message_id, sent_at, first_absent_at,"
            " next_check_at, escalate_at, offered_at, breach, breach_refund_at) ON post_jobs"
        ),
        "UPDATE (status, credited_at) ON deposits",
        (
            "UPDATE (status, external_reference, decided_by, return_reason, settled_at, paying_by,"
            " paying_until) ON withdrawals"
        ),
        "UPDATE (status, confirmed_by, confirm_reason, done_at) ON corrections",
        "UPDATE (payload, attempts, done_at, failed_at, last_error) ON inbox",
        "UPDATE (owner, epoch, held_until) ON leases",
        "UPDATE (closed_at, closed_by) ON incidents",
    ),
    "adtech_clock": (
        "SELECT ON ALL TABLES IN SCHEMA public",
        (
            "EXECUTE ON FUNCTION clock, ledger_txn, ledger_horizon, post_transfer, open_wallet,"
            " lock_wallet, stop_switch, settle_stop, open_incident, purge_inbox,"
            " extend_audit_chain"
        ),
        (
            "INSERT ON user_audit_logs, post_checks, deposits, clawbacks, outbox,"
            " leases, heartbeats, ledger_checkpoints, audit_chain_files"
        ),
        "UPDATE (blocked) ON users",
        ("UPDATE (status, status_reason, suspended_at, was_paused, last_message_id) ON channels"),
        "UPDATE (status, decided_by, decided_at) ON staff_requests",
        "UPDATE (status) ON corrections",
        "UPDATE (status) ON campaign_targets",
        "UPDATE (status, release_due_at, settled_at) ON escrows",
        (
            "UPDATE (status, due_at, claim_no, attempts, lease_owner, lease_until, last_error,"
            " message_id, sent_at, updated_at, unsent_claim_no, abandoned, known_message_id,"
            " first_absent_at, next_check_at, escalate_at, breach, breach_refund_at,"
            " check_began_at) ON post_jobs"
        ),
        "UPDATE (status, credited_at) ON deposits",
        "UPDATE (status, return_reason, settled_at) ON withdrawals",
        "UPDATE (status, due_at, attempts, last_error, message_id, sent_at) ON outbox",
        "UPDATE (owner, epoch, held_until) ON leases",
        "UPDATE (beat_at) ON heartbeats",
        "UPDATE (last_number, written_at) ON audit_chain_files",
        "UPDATE (closed_at, closed_by) ON incidents",
    ),
    "adtech_reports": (
        "SELECT ON ALL TABLES IN SCHEMA public",
        "EXECUTE ON FUNCTION clock, ledger_txn, ledger_horizon",
    ),
}

LATER_GRANTS = (
    "UPDATE (paying_by, paying_until) ON withdrawals",
    "INSERT ON staff_requests, excess_payments, publication_statements",
    "UPDATE (status, acknowledged, decided_by, decided_at) ON staff_requests",
    "UPDATE (suspended_at) ON channels",
    "UPDATE (breach, breach_refund_at, check_began_at) ON post_jobs",
)
"""The rights that the role adtech_app got after the baseline and before this revision."""

FUNCTIONS = (
    "refuse_frozen",
    "require_admin",
    "guard_post_job",
    "refuse_future_check",
    "guard_incident",
    "guard_checkpoint",
    "write_audit_row",
    "require_operator",
    "record_switch",
    "stop_switch",
    "run_switch",
    "end_sessions",
    "settle_stop",
    "open_incident",
    "note_payment",
    "require_received_payment",
    "require_role_request",
    "purge_inbox",
    "extend_audit_chain",
)
REPLACED = ("guard_escrow", "approve_target")
VIEWS = {
    "frozen_switches": (
        "SELECT key FROM kill_switches"
        " WHERE key IN ('new_escrows', 'payouts', 'refunds', 'withdrawals')"
        " AND EXISTS (SELECT FROM incidents WHERE kind = 'ledger_violation' AND closed_at IS NULL)"
    ),
    "running_switches": (
        "SELECT key FROM kill_switches WHERE enabled"
        " AND NOT EXISTS (SELECT FROM switch_stops stop WHERE stop.key = kill_switches.key)"
        " AND NOT EXISTS (SELECT FROM frozen_switches frozen WHERE frozen.key = kill_switches.key)"
    ),
}
# With a foreign key, an insert waits while another transaction locks the referenced row.
NO_FOREIGN_KEYS = {"user_audit_logs": "user_id", "kill_switches": "changed_by"}
"""The columns that lose their foreign key, by table."""

FROZEN = {
    "campaign_targets": (
        "campaign_id",
        "channel_id",
        "owner_id",
        "price",
        "promised_hours",
        "fee_bps",
    ),
    "campaigns": ("advertiser_id",),
    "users": ("telegram_id",),
    "deposits": ("user_id", "amount", "currency", "source", "external_reference"),
    "withdrawals": ("user_id", "amount", "currency", "key"),
    "post_jobs": ("campaign_target_id", "channel_id"),
    "incidents": ("kind", "details", "opened_at"),
    "user_roles": ("user_id", "role", "granted_by"),
}
"""The columns, by table, that no database role can change after an insert."""

TRIGGERS = (
    (
        "payload_only_emptied BEFORE UPDATE OF payload ON inbox FOR EACH ROW"
        " WHEN (NEW.payload IS NOT NULL AND NEW.payload IS DISTINCT FROM OLD.payload)"
        " EXECUTE FUNCTION refuse_frozen()"
    ),
    (
        "ended_for_good BEFORE UPDATE OF done_at, failed_at ON inbox FOR EACH ROW"
        " WHEN (OLD.done_at IS NOT NULL AND NEW.done_at IS NULL"
        " OR OLD.failed_at IS NOT NULL AND NEW.failed_at IS NULL AND NOT coalesce("
        "OLD.payload->'message' ?| ARRAY['successful_payment', 'refunded_payment'], false))"
        " EXECUTE FUNCTION refuse_frozen()"
    ),
    (
        "published_once BEFORE UPDATE OF message_id ON post_jobs FOR EACH ROW"
        " WHEN (OLD.status = 'success' AND NEW.message_id IS DISTINCT FROM OLD.message_id)"
        " EXECUTE FUNCTION refuse_frozen()"
    ),
    (
        "claimed BEFORE UPDATE OF status, claim_no, sent_at ON post_jobs FOR EACH ROW"
        " EXECUTE FUNCTION guard_post_job()"
    ),
    (
        "decided_by_admin BEFORE UPDATE OF status ON campaign_targets FOR EACH ROW"
        " WHEN (OLD.status = 'pending' AND NEW.status IN ('approved', 'rejected'))"
        " EXECUTE FUNCTION require_admin('decided_by')"
    ),
    (
        "decided_by_admin BEFORE UPDATE OF status ON withdrawals FOR EACH ROW"
        " WHEN (OLD.status <> NEW.status AND NEW.status IN ('approved', 'paid'))"
        " EXECUTE FUNCTION require_admin('decided_by')"
    ),
    (
        "proposed_by_admin BEFORE INSERT ON corrections FOR EACH ROW"
        " EXECUTE FUNCTION require_admin('proposed_by')"
    ),
    (
        "confirmed_by_admin BEFORE UPDATE OF confirmed_by ON corrections FOR EACH ROW"
        " WHEN (NEW.confirmed_by IS DISTINCT FROM OLD.confirmed_by)"
        " EXECUTE FUNCTION require_admin('confirmed_by')"
    ),
    ("not_ahead BEFORE INSERT ON post_checks FOR EACH ROW EXECUTE FUNCTION refuse_future_check()"),
    (
        "payment_noted AFTER INSERT ON inbox FOR EACH ROW"
        " WHEN (NEW.payload->'message' ?| ARRAY['successful_payment', 'refunded_payment'])"
        " EXECUTE FUNCTION note_payment()"
    ),
    (
        "never_shorter BEFORE UPDATE OF last_number ON audit_chain_files FOR EACH ROW"
        " WHEN (NEW.last_number < OLD.last_number) EXECUTE FUNCTION refuse_frozen()"
    ),
    "closed_once BEFORE UPDATE ON incidents FOR EACH ROW EXECUTE FUNCTION guard_incident()",
    (
        "in_the_past BEFORE INSERT ON ledger_checkpoints FOR EACH ROW"
        " EXECUTE FUNCTION guard_checkpoint()"
    ),
    *(
        f"append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT"
        " EXECUTE FUNCTION refuse_change()"
        for table in ("post_checks", "ledger_checkpoints")
    ),
)
AT_COMMIT = (
    ("known_outside", "INSERT ON clawbacks", "require_received_payment"),
    ("requested", "INSERT OR DELETE ON user_roles", "require_role_request"),
)
"""The constraint triggers at a commit: the name, the event and table, and the function."""
AUDITED = {
    "user_roles": "INSERT OR DELETE",
    "moved_chats": "INSERT",
    "incidents": "INSERT OR UPDATE",
}
"""The tables whose changes get an audit row at the commit, with the events."""


def upgrade() -> None:
    """Take all rights from the role adtech_app, and give rights to the role of each job."""
    online.run(
        revision,
        (
            _change_rights,
            *(partial(_drop_foreign_key, *each) for each in NO_FOREIGN_KEYS.items()),
            *(partial(op.execute, trigger) for trigger in _triggers()),
            _note_waiting_payments,
        ),
    )


def _drop_foreign_key(table: str, column: str) -> None:
    op.drop_constraint(op.f(f"fk_{table}_{column}"), table)


def _change_rights() -> None:
    op.execute(REQUIRE_ROLES)
    _revoke("adtech_app")
    _create_switch_stops()
    _create_received_payments()
    _create_audit_chain_files()
    for name in (*FUNCTIONS, *REPLACED):
        functions.create(name, revision)
    for role, rights in GRANTS.items():
        for right in rights:
            op.execute(f"GRANT {right} TO {role}")
    op.execute("REVOKE SELECT ON inbox FROM adtech_reports")
    op.execute("REVOKE SELECT ON launch_runs FROM adtech_bot, adtech_clock")
    op.execute("REVOKE SELECT ON frozen_switches FROM adtech_bot, adtech_clock, adtech_reports")


def downgrade() -> None:
    """Remove the new tables and triggers, and give the role adtech_app its former rights."""
    for name in REPLACED:
        functions.create(name, down_revision)
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name} CASCADE")  # with its triggers
    for table in ("post_checks", "ledger_checkpoints"):
        op.execute(f"DROP TRIGGER append_only ON {table}")
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {name}")
    op.drop_table("switch_stops")
    op.drop_table("received_payments")
    op.drop_table("audit_chain_files")
    for table, column in NO_FOREIGN_KEYS.items():
        op.create_foreign_key(op.f(f"fk_{table}_{column}"), table, "users", [column], ["id"])
    for role in JOBS:
        _revoke(role)
    baseline = importlib.import_module("migrations.versions.0001_baseline")
    for right in (*baseline.GRANTS, *LATER_GRANTS):
        op.execute(f"GRANT {right} TO adtech_app")


def _create_switch_stops() -> None:
    switches = importlib.import_module("migrations.versions.0004_staff_requests").SWITCHES
    op.create_table(
        "switch_stops",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "key",
            sa.Enum(*switches, name="switch", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("stopped_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_switch_stops")),
    )
    op.create_index(op.f("ix_switch_stops_key"), "switch_stops", ["key"])
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def _create_received_payments() -> None:
    op.create_table(
        "received_payments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("charge_id", sa.Text(), nullable=False),
        sa.Column("telegram_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.CheckConstraint("kind IN ('payment', 'refund')", name=op.f("ck_received_payments_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_received_payments")),
        sa.UniqueConstraint("kind", "charge_id", name=op.f("uq_received_payments_kind_charge_id")),
    )
    op.create_index(op.f("ix_received_payments_charge_id"), "received_payments", ["charge_id"])


def _create_audit_chain_files() -> None:
    op.create_table(
        "audit_chain_files",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.Column(
            "written_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_audit_chain_files")),
    )


def _note_waiting_payments() -> None:
    """Insert unhandled updates about payments anew, to run the trigger `payment_noted`."""
    op.execute(
        "WITH waiting AS (DELETE FROM inbox WHERE done_at IS NULL AND payload->'message' ?|"
        " ARRAY['successful_payment', 'refunded_payment'] RETURNING *)"
        " INSERT INTO inbox OVERRIDING SYSTEM VALUE SELECT * FROM waiting"
    )


def _triggers() -> Iterator[str]:
    """Yield the statement that creates each trigger."""
    for table, columns in FROZEN.items():
        old, new = (", ".join(f"{row}.{name}" for name in columns) for row in ("OLD", "NEW"))
        yield (
            f"CREATE TRIGGER frozen BEFORE UPDATE OF {', '.join(columns)} ON {table} FOR EACH ROW"
            f" WHEN (({old}) IS DISTINCT FROM ({new})) EXECUTE FUNCTION refuse_frozen()"
        )
    for trigger in TRIGGERS:
        yield f"CREATE TRIGGER {trigger}"
    yield (
        "CREATE TRIGGER received AFTER INSERT ON deposits"
        " FOR EACH ROW EXECUTE FUNCTION require_received_payment()"
    )
    for name, event, function in AT_COMMIT:
        yield (
            f"CREATE CONSTRAINT TRIGGER {name} AFTER {event} DEFERRABLE INITIALLY DEFERRED"
            f" FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
    for table, events in AUDITED.items():
        yield (
            f"CREATE CONSTRAINT TRIGGER audited AFTER {events} ON {table} DEFERRABLE"
            " INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION write_audit_row()"
        )


def _revoke(role: str) -> None:
    for kind in ("TABLES", "FUNCTIONS"):
        op.execute(f"REVOKE ALL ON ALL {kind} IN SCHEMA public FROM {role}")
