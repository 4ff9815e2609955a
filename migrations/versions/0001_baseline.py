"""Create the whole schema: tables, functions, checks of changes, and rights."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import functions

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SWITCHES = (
    "new_escrows",
    "payouts",
    "refunds",
    "deposits",
    "withdrawals",
    "telegram_posting",
    "worker_post",
    "worker_watchdogs",
)
TABLES = (
    "clock_shift",
    "heartbeats",
    "inbox",
    "leases",
    "ledger_checkpoints",
    "audit_chain_links",
    "moved_chats",
    "users",
    "campaigns",
    "channels",
    "deposits",
    "incidents",
    "kill_switches",
    "launch_runs",
    "ledger_transfers",
    "outbox",
    "user_audit_logs",
    "user_roles",
    "wallets",
    "withdrawals",
    "campaign_targets",
    "clawbacks",
    "ledger_entries",
    "corrections",
    "escrows",
    "post_jobs",
    "post_checks",
)
"""The tables in the order of their creation, which follows the references between tables."""

FUNCTIONS_OF_DEFAULTS = ("ledger_txn", "ledger_horizon")
"""The functions that give columns their default values, without `clock`, which reads a table."""

FUNCTIONS = (
    "stamp_txn",
    "restart_ledger_txn",
    "open_wallet",
    "lock_wallet",
    "post_transfer",
    "hold_escrow",
    "approve_target",
    "refuse_change",
    "require_zero_sum",
    "require_empty_wallet",
    "require_entries",
    "require_allowed_move",
    "refuse_initial_status",
    "guard_escrow",
    "guard_correction",
    "mark_job_settled",
    "require_escrow_match",
    "check_escrow",
    "check_transfer",
    "require_legs",
    "require_deposit_match",
    "require_withdrawal_match",
    "require_correction_match",
    "check_external_transfer",
    "repair",
    "reset_balance",
    "balance_orphan",
    "reopen_escrow",
)

MOVES = {
    "campaigns": (
        "draft",
        (
            "draft>active active>paused paused>active draft>cancelled active>cancelled "
            "paused>cancelled active>completed paused>completed"
        ),
    ),
    "campaign_targets": (
        "pending",
        (
            "pending>approved pending>rejected pending>withdrawn pending>expired "
            "approved>posted approved>refunded pending>posted pending>refunded"
        ),
    ),
    "escrows": (
        "held",
        "held>released held>refunded",
    ),
    "post_jobs": (
        "queued",
        (
            "queued>sending sending>success sending>failed sending>queued sending>uncertain "
            "uncertain>success uncertain>queued uncertain>failed uncertain>cancelled "
            "queued>cancelled queued>failed success>failed"
        ),
    ),
    "channels": (
        "pending",
        (
            "pending>active active>paused paused>active active>suspended paused>suspended "
            "suspended>active suspended>paused pending>removed active>removed paused>removed "
            "suspended>removed removed>pending"
        ),
    ),
    "deposits": (
        "received",
        "received>credited received>clawed_back credited>clawed_back",
    ),
    "withdrawals": (
        "requested",
        "requested>approved approved>paid requested>paid requested>returned approved>returned",
    ),
    "corrections": (
        "proposed",
        "proposed>confirmed proposed>done proposed>dropped confirmed>done confirmed>dropped",
    ),
    "outbox": (
        "queued",
        "queued>sent queued>failed",
    ),
}
"""For each table with a status: the first status, and the allowed changes of status."""

APPEND_ONLY = (
    "ledger_transfers",
    "ledger_entries",
    "audit_chain_links",
    "clawbacks",
    "user_audit_logs",
)
NEVER_DELETED = ("wallets", "escrows", "deposits", "withdrawals", "corrections")
STAMPED = ("escrows", "deposits", "withdrawals", "campaign_targets", "post_jobs")

TRIGGERS = (
    (
        "zero_sum AFTER INSERT ON ledger_entries REFERENCING NEW TABLE AS added"
        " FOR EACH STATEMENT EXECUTE FUNCTION require_zero_sum()"
    ),
    "opened_empty BEFORE INSERT ON wallets FOR EACH ROW EXECUTE FUNCTION require_empty_wallet()",
    (
        "moved_by_entries AFTER UPDATE ON wallets REFERENCING OLD TABLE AS was NEW TABLE AS now_is"
        " FOR EACH STATEMENT EXECUTE FUNCTION require_entries()"
    ),
    "settled_once BEFORE UPDATE ON escrows FOR EACH ROW EXECUTE FUNCTION guard_escrow()",
    "settled_once BEFORE UPDATE ON corrections FOR EACH ROW EXECUTE FUNCTION guard_correction()",
    (
        "settles_job AFTER UPDATE OF status ON escrows FOR EACH ROW"
        " WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION mark_job_settled()"
    ),
)
AT_COMMIT = (
    ("matches_ledger", "INSERT OR UPDATE OF status ON escrows", "", "check_escrow"),
    ("matches_escrow", "INSERT ON ledger_transfers", "", "check_transfer"),
    (
        "matches_its_row",
        "INSERT ON ledger_transfers",
        (
            "WHEN (NEW.reason IN ('deposit', 'clawback', 'withdrawal_hold', 'withdrawal',"
            " 'withdrawal_return', 'adjustment'))"
        ),
        "check_external_transfer",
    ),
    *(
        ("matches_ledger", f"INSERT OR UPDATE ON {table}", "", "check_external_transfer")
        for table in ("deposits", "withdrawals", "clawbacks", "corrections")
    ),
)
"""The constraint triggers: the name, the event, the condition and the function of each trigger."""

# These are all rights of the application. The application reads all tables, writes its queues and
# statuses, and moves money only through functions.
GRANTS = (
    "SELECT ON ALL TABLES IN SCHEMA public",
    (
        "EXECUTE ON FUNCTION clock, ledger_txn, ledger_horizon, post_transfer, open_wallet,"
        " lock_wallet, hold_escrow, approve_target"
    ),
    (
        "INSERT ON users, user_roles, user_audit_logs, moved_chats, campaigns, channels,"
        " campaign_targets, escrows, post_jobs, post_checks, deposits, withdrawals, clawbacks,"
        " corrections, outbox, inbox, leases, heartbeats, ledger_checkpoints, audit_chain_links,"
        " incidents, launch_runs"
    ),
    "DELETE ON user_roles, inbox, leases, heartbeats",
    "UPDATE (language, language_chosen, time_zone, blocked) ON users",
    "UPDATE (status) ON campaigns",
    (
        "UPDATE (owner_id, title, username, topic, subscribers, price, promised_hours, status,"
        " status_reason, was_paused, last_message_id) ON channels"
    ),
    "UPDATE (status, decided_by, decided_at, decision_reason) ON campaign_targets",
    "UPDATE (status, release_due_at, settled_at) ON escrows",
    (
        "UPDATE (status, due_at, claim_no, attempts, lease_owner, lease_until, last_error, message_id,"
        " sent_at, updated_at, unsent_claim_no, abandoned, known_message_id, first_absent_at, next_check_at,"
        " escalate_at, offered_at) ON post_jobs"
    ),
    "UPDATE (status, credited_at) ON deposits",
    "UPDATE (status, external_reference, decided_by, return_reason, settled_at) ON withdrawals",
    "UPDATE (status, confirmed_by, confirm_reason, done_at) ON corrections",
    "UPDATE (enabled, changed_by, changed_at, reason) ON kill_switches",
    "UPDATE (status, due_at, attempts, last_error, message_id, sent_at) ON outbox",
    "UPDATE (payload, attempts, done_at, failed_at, last_error) ON inbox",
    "UPDATE (owner, epoch, held_until) ON leases",
    "UPDATE (beat_at) ON heartbeats",
    "UPDATE (new_chat_id) ON moved_chats",
    "UPDATE (closed_at, closed_by, details) ON incidents",
)


def upgrade() -> None:
    # By default, PostgreSQL lets everybody call a new function. Here, nobody may call a function
    # before a GRANT allows it.
    op.execute("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
    create_tables()
    op.execute("INSERT INTO clock_shift (id) VALUES (1)")
    for switch in SWITCHES:
        op.execute(
            f"INSERT INTO kill_switches (key, reason) VALUES ('{switch}', 'created stopped')"  # noqa: S608 - the words above
        )
    op.execute(
        "CREATE VIEW explained_entries AS SELECT * FROM ledger_entries entry WHERE NOT EXISTS ("
        "SELECT FROM corrections correction"
        " WHERE correction.entry_id = entry.id AND correction.status = 'done')"
    )
    for name in FUNCTIONS:
        functions.create(name, revision)
    create_triggers()
    for right in GRANTS:
        op.execute(f"GRANT {right} TO adtech_app")


def downgrade() -> None:
    op.execute("DROP VIEW explained_entries")
    op.execute("DROP FUNCTION balance_orphan")  # its argument is a row of corrections
    for table in reversed(TABLES[1:]):
        op.drop_table(table)
    for name in (*FUNCTIONS, *FUNCTIONS_OF_DEFAULTS, "clock"):
        op.execute(f"DROP FUNCTION IF EXISTS {name}")
    op.drop_table(TABLES[0])
    op.execute("ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC")


def create_triggers() -> None:
    # PostgreSQL fires a table's triggers in the order of their names. `allowed_move` comes first.
    # Therefore a move that does not exist is refused for that reason, and not by another trigger.
    for table, (initial, moves) in MOVES.items():
        op.execute(
            f"CREATE TRIGGER initial_status BEFORE INSERT ON {table} FOR EACH ROW"
            f" WHEN (NEW.status IS DISTINCT FROM '{initial}')"
            " EXECUTE FUNCTION refuse_initial_status()"
        )
        arguments = ", ".join(f"'{move}'" for move in moves.split())
        op.execute(
            f"CREATE TRIGGER allowed_move BEFORE UPDATE OF status ON {table} FOR EACH ROW"
            " WHEN (OLD.status IS DISTINCT FROM NEW.status)"
            f" EXECUTE FUNCTION require_allowed_move({arguments})"
        )
    for name, event, tables in (
        ("append_only", "UPDATE OR DELETE OR TRUNCATE", APPEND_ONLY),
        ("never_deleted", "DELETE OR TRUNCATE", NEVER_DELETED),
    ):
        for table in tables:
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {event} ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
    for table in STAMPED:
        op.execute(
            f"CREATE TRIGGER stamped BEFORE UPDATE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION stamp_txn()"
        )
    for trigger in TRIGGERS:
        op.execute(f"CREATE TRIGGER {trigger}")
    for name, event, condition, function in AT_COMMIT:
        op.execute(
            f"CREATE CONSTRAINT TRIGGER {name} AFTER {event} DEFERRABLE INITIALLY DEFERRED"
            f" FOR EACH ROW {condition} EXECUTE FUNCTION {function}()"
        )


def create_tables() -> None:
    # The statements below are those that `alembic revision --autogenerate` writes from the models.
    op.create_table(
        "clock_shift",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("shift", sa.Interval(), server_default=sa.text("interval '0'"), nullable=False),
        sa.Column("allowed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(
            "shift >= interval '0' AND (allowed OR shift = interval '0')",
            name=op.f("ck_clock_shift_shift"),
        ),
        sa.CheckConstraint("id = 1", name=op.f("ck_clock_shift_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_shift")),
    )
    functions.create("clock", revision)
    for name in FUNCTIONS_OF_DEFAULTS:
        functions.create(name, revision)
    op.create_table(
        "heartbeats",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "beat_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("update_id", sa.BigInteger(), nullable=False),
        sa.Column("lane", sa.BigInteger(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "done_at IS NULL OR failed_at IS NULL", name=op.f("ck_inbox_ended_once")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("update_id", name=op.f("uq_inbox_update_id")),
    )
    op.create_index(
        "ix_inbox_done_at",
        "inbox",
        ["done_at"],
        unique=False,
        postgresql_where=sa.text("done_at IS NOT NULL"),
    )
    op.create_index(
        "ix_inbox_failed_at",
        "inbox",
        ["failed_at"],
        unique=False,
        postgresql_where=sa.text("failed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_inbox_open",
        "inbox",
        ["id"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL AND failed_at IS NULL"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "ledger_checkpoints",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("violations", sa.BigInteger(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("progress", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("full_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_checkpoints")),
    )
    op.create_table(
        "audit_chain_links",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("from_txn", sa.BigInteger(), nullable=False),
        sa.Column("upto_txn", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.CheckConstraint("from_txn < upto_txn", name=op.f("ck_audit_chain_links_range")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_chain_links")),
    )
    op.create_table(
        "moved_chats",
        sa.Column("old_chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("new_chat_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "moved_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("old_chat_id", name=op.f("pk_moved_chats")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("telegram_id", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.Text(), server_default="en", nullable=False),
        sa.Column("language_chosen", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("blocked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("telegram_id", name=op.f("uq_users_telegram_id")),
    )
    op.create_table(
        "campaigns",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("advertiser_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("creative", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("total_budget", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "active",
                "paused",
                "cancelled",
                "completed",
                name="campaignstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="draft",
            nullable=False,
        ),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.CheckConstraint("total_budget > 0", name=op.f("ck_campaigns_total_budget")),
        sa.ForeignKeyConstraint(
            ["advertiser_id"], ["users.id"], name=op.f("fk_campaigns_advertiser_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
        sa.UniqueConstraint("key", name=op.f("uq_campaigns_key")),
    )
    op.create_index(
        "ix_campaigns_advertiser_id_id", "campaigns", ["advertiser_id", "id"], unique=False
    )
    op.create_table(
        "channels",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("topic", sa.Text(), nullable=True),
        sa.Column("subscribers", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("promised_hours", sa.BigInteger(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "active",
                "paused",
                "suspended",
                "removed",
                name="channelstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="pending",
            nullable=False,
        ),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("was_paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("last_message_id", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status NOT IN ('active', 'paused') OR (price IS NOT NULL AND promised_hours IS NOT NULL)",
            name=op.f("ck_channels_terms"),
        ),
        sa.CheckConstraint("price >= 1", name=op.f("ck_channels_price")),
        sa.CheckConstraint("promised_hours >= 0", name=op.f("ck_channels_promised_hours")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_channels_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channels")),
        sa.UniqueConstraint("chat_id", name=op.f("uq_channels_chat_id")),
    )
    op.create_index(
        "ix_channels_active",
        "channels",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_index("ix_channels_owner_id", "channels", ["owner_id"], unique=False)
    op.create_table(
        "deposits",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_reference", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "received",
                "credited",
                "clawed_back",
                name="depositstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="received",
            nullable=False,
        ),
        sa.Column("credited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.Column("txn", sa.BigInteger(), server_default=sa.text("ledger_txn()"), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_deposits_amount")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_deposits_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposits")),
        sa.UniqueConstraint("external_reference", name=op.f("uq_deposits_external_reference")),
    )
    op.create_index(
        "ix_deposits_received",
        "deposits",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status = 'received'"),
    )
    op.create_index(op.f("ix_deposits_txn"), "deposits", ["txn"], unique=False)
    op.create_index("ix_deposits_user_id", "deposits", ["user_id"], unique=False)
    op.create_table(
        "incidents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "opened_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["closed_by"], ["users.id"], name=op.f("fk_incidents_closed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    op.create_index(
        "uq_incidents_open",
        "incidents",
        ["kind"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "kill_switches",
        sa.Column(
            "key",
            sa.Enum(
                "new_escrows",
                "payouts",
                "refunds",
                "deposits",
                "withdrawals",
                "telegram_posting",
                "worker_post",
                "worker_watchdogs",
                name="switch",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("changed_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["users.id"], name=op.f("fk_kill_switches_changed_by")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_kill_switches")),
    )
    op.create_table(
        "launch_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("phase", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_launch_runs_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_launch_runs")),
    )
    op.create_table(
        "ledger_transfers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "deposit",
                "escrow_hold",
                "payout",
                "fee",
                "escrow_release",
                "refund",
                "withdrawal_hold",
                "withdrawal",
                "withdrawal_return",
                "clawback",
                "adjustment",
                name="reason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reference_id", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "reason NOT IN ('fee', 'escrow_release')",
            name=op.f("ck_ledger_transfers_reason_of_transfer"),
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["users.id"], name=op.f("fk_ledger_transfers_actor_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transfers")),
        sa.UniqueConstraint("key", name=op.f("uq_ledger_transfers_key")),
    )
    op.create_index(
        "uq_ledger_transfers_hold",
        "ledger_transfers",
        ["reference_id"],
        unique=True,
        postgresql_where=sa.text("reason = 'escrow_hold'"),
    )
    op.create_index(
        "uq_ledger_transfers_settlement",
        "ledger_transfers",
        ["reference_id"],
        unique=True,
        postgresql_where=sa.text("reason IN ('payout', 'refund')"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "sent",
                "failed",
                name="outboxstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="queued",
            nullable=False,
        ),
        sa.Column(
            "due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_outbox_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    op.create_index(
        "ix_outbox_queued",
        "outbox",
        ["due_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_table(
        "user_audit_logs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column(
            "metadata",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_audit_logs_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_audit_logs")),
    )
    op.create_index(
        "ix_user_audit_logs_action_created_at",
        "user_audit_logs",
        ["action", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_user_audit_logs_created_at", "user_audit_logs", ["created_at"], unique=False
    )
    op.create_table(
        "user_roles",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "admin",
                "operator",
                "super_admin",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("granted_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["granted_by"], ["users.id"], name=op.f("fk_user_roles_granted_by")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_roles_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_roles")),
        sa.UniqueConstraint("user_id", "role", name=op.f("uq_user_roles_user_id_role")),
    )
    op.create_table(
        "wallets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("counterparty_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "user",
                "escrow",
                "revenue",
                "external",
                "withdrawal",
                "loss",
                name="walletkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("balance", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(kind IN ('user', 'withdrawal') AND user_id IS NOT NULL AND counterparty_id IS NULL) OR (kind IN ('revenue', 'external', 'loss') AND user_id IS NULL AND counterparty_id IS NOT NULL) OR (kind = 'escrow' AND user_id IS NULL AND counterparty_id IS NULL)",
            name=op.f("ck_wallets_belongs"),
        ),
        sa.CheckConstraint(
            "balance >= 0 OR kind IN ('external', 'loss')", name=op.f("ck_wallets_not_negative")
        ),
        sa.CheckConstraint("version >= 0", name=op.f("ck_wallets_version")),
        sa.ForeignKeyConstraint(
            ["counterparty_id"], ["users.id"], name=op.f("fk_wallets_counterparty_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_wallets_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallets")),
    )
    op.create_index(
        "uq_wallets_counterparty_id_kind",
        "wallets",
        ["counterparty_id", "kind"],
        unique=True,
        postgresql_where=sa.text("counterparty_id IS NOT NULL"),
    )
    op.create_index(
        "uq_wallets_user_id_kind",
        "wallets",
        ["user_id", "kind"],
        unique=True,
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )
    op.create_table(
        "withdrawals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "requested",
                "approved",
                "paid",
                "returned",
                name="withdrawalstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="requested",
            nullable=False,
        ),
        sa.Column("external_reference", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("return_reason", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.Column("txn", sa.BigInteger(), server_default=sa.text("ledger_txn()"), nullable=False),
        sa.CheckConstraint(
            "(status IN ('paid', 'returned')) = (settled_at IS NOT NULL) AND (status = 'paid') = (external_reference IS NOT NULL)",
            name=op.f("ck_withdrawals_settled"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_withdrawals_amount")),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["users.id"], name=op.f("fk_withdrawals_decided_by")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_withdrawals_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawals")),
        sa.UniqueConstraint("external_reference", name=op.f("uq_withdrawals_external_reference")),
        sa.UniqueConstraint("key", name=op.f("uq_withdrawals_key")),
    )
    op.create_index(
        "ix_withdrawals_open",
        "withdrawals",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status IN ('requested', 'approved')"),
    )
    op.create_index(op.f("ix_withdrawals_txn"), "withdrawals", ["txn"], unique=False)
    op.create_index("ix_withdrawals_user_id", "withdrawals", ["user_id"], unique=False)
    op.create_table(
        "campaign_targets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("promised_hours", sa.BigInteger(), nullable=False),
        sa.Column("fee_bps", sa.BigInteger(), nullable=False),
        sa.Column("publish_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "approved",
                "posted",
                "refunded",
                "rejected",
                "withdrawn",
                "expired",
                name="targetstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="pending",
            nullable=False,
        ),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.Column("retry_of", sa.BigInteger(), nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.Column("txn", sa.BigInteger(), server_default=sa.text("ledger_txn()"), nullable=False),
        sa.CheckConstraint("fee_bps BETWEEN 0 AND 9999", name=op.f("ck_campaign_targets_fee_bps")),
        sa.CheckConstraint("price >= 1", name=op.f("ck_campaign_targets_price")),
        sa.CheckConstraint("promised_hours >= 0", name=op.f("ck_campaign_targets_promised_hours")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_targets_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f("fk_campaign_targets_channel_id")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["users.id"], name=op.f("fk_campaign_targets_decided_by")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_campaign_targets_owner_id")
        ),
        sa.ForeignKeyConstraint(
            ["retry_of"], ["campaign_targets.id"], name=op.f("fk_campaign_targets_retry_of")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_targets")),
        sa.UniqueConstraint("key", name=op.f("uq_campaign_targets_key")),
    )
    op.create_index(
        "ix_campaign_targets_campaign_id_id",
        "campaign_targets",
        ["campaign_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_campaign_targets_channel_id", "campaign_targets", ["channel_id"], unique=False
    )
    op.create_index(
        "ix_campaign_targets_owner_id_id", "campaign_targets", ["owner_id", "id"], unique=False
    )
    op.create_index(
        "ix_campaign_targets_pending",
        "campaign_targets",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(op.f("ix_campaign_targets_txn"), "campaign_targets", ["txn"], unique=False)
    op.create_table(
        "clawbacks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("deposit_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("recovered", sa.BigInteger(), nullable=False),
        sa.Column("loss", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "amount > 0 AND recovered >= 0 AND loss >= 0 AND recovered + loss IN (0, amount)",
            name=op.f("ck_clawbacks_amounts"),
        ),
        sa.ForeignKeyConstraint(
            ["deposit_id"], ["deposits.id"], name=op.f("fk_clawbacks_deposit_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_clawbacks_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clawbacks")),
        sa.UniqueConstraint("deposit_id", name=op.f("uq_clawbacks_deposit_id")),
    )
    op.create_index("ix_clawbacks_user_id", "clawbacks", ["user_id"], unique=False)
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("wallet_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("balance_after", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "deposit",
                "escrow_hold",
                "payout",
                "fee",
                "escrow_release",
                "refund",
                "withdrawal_hold",
                "withdrawal",
                "withdrawal_return",
                "clawback",
                "adjustment",
                name="reason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reference_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.Column("txn", sa.BigInteger(), server_default=sa.text("ledger_txn()"), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_ledger_entries_not_zero")),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["ledger_transfers.id"], name=op.f("fk_ledger_entries_transfer_id")
        ),
        sa.ForeignKeyConstraint(
            ["wallet_id"], ["wallets.id"], name=op.f("fk_ledger_entries_wallet_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
        sa.UniqueConstraint(
            "transfer_id", "wallet_id", name=op.f("uq_ledger_entries_transfer_id_wallet_id")
        ),
        sa.UniqueConstraint(
            "wallet_id",
            "version",
            name=op.f("uq_ledger_entries_wallet_id_version"),
            postgresql_include=["amount", "balance_after"],
        ),
    )
    op.create_index(
        "ix_ledger_entries_reference_id_reason",
        "ledger_entries",
        ["reference_id", "reason"],
        unique=False,
    )
    op.create_index(op.f("ix_ledger_entries_txn"), "ledger_entries", ["txn"], unique=False)
    op.create_table(
        "corrections",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "adjustment",
                "missing_payout",
                "balance_reset",
                "orphan_entry",
                "escrow_reversal",
                name="correctionkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("wallet_id", sa.BigInteger(), nullable=True),
        sa.Column("other_wallet_id", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("entry_id", sa.BigInteger(), nullable=True),
        sa.Column("target_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "proposed",
                "confirmed",
                "done",
                "dropped",
                name="correctionstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="proposed",
            nullable=False,
        ),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("proposed_by", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.BigInteger(), nullable=True),
        sa.Column("confirm_reason", sa.Text(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "CASE kind WHEN 'adjustment' THEN wallet_id <> other_wallet_id AND amount > 0 AND entry_id IS NULL AND target_id IS NULL WHEN 'balance_reset' THEN wallet_id IS NOT NULL AND other_wallet_id IS NULL AND amount IS NULL AND entry_id IS NULL AND target_id IS NULL WHEN 'orphan_entry' THEN wallet_id IS NOT NULL AND amount <> 0 AND entry_id IS NOT NULL AND target_id IS NULL ELSE target_id IS NOT NULL AND wallet_id IS NULL AND other_wallet_id IS NULL AND amount IS NULL AND entry_id IS NULL END IS TRUE",
            name=op.f("ck_corrections_what"),
        ),
        sa.CheckConstraint(
            "CASE status WHEN 'proposed' THEN confirmed_by IS NULL WHEN 'dropped' THEN true ELSE confirmed_by IS NOT NULL END AND (confirmed_by IS NULL) = (confirm_reason IS NULL) AND (status = 'done') = (done_at IS NOT NULL)",
            name=op.f("ck_corrections_status_shown"),
        ),
        sa.CheckConstraint("proposed_by <> confirmed_by", name=op.f("ck_corrections_two_people")),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["users.id"], name=op.f("fk_corrections_confirmed_by")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["ledger_entries.id"], name=op.f("fk_corrections_entry_id")
        ),
        sa.ForeignKeyConstraint(
            ["other_wallet_id"], ["wallets.id"], name=op.f("fk_corrections_other_wallet_id")
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["users.id"], name=op.f("fk_corrections_proposed_by")
        ),
        sa.ForeignKeyConstraint(
            ["target_id"], ["campaign_targets.id"], name=op.f("fk_corrections_target_id")
        ),
        sa.ForeignKeyConstraint(
            ["wallet_id"], ["wallets.id"], name=op.f("fk_corrections_wallet_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
        sa.UniqueConstraint("key", name=op.f("uq_corrections_key")),
    )
    op.create_index(
        "ix_corrections_open",
        "corrections",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status IN ('proposed', 'confirmed')"),
    )
    op.create_index(
        "uq_corrections_entry_id",
        "corrections",
        ["entry_id"],
        unique=True,
        postgresql_where=sa.text("status = 'done'"),
    )
    op.create_index(
        "uq_corrections_open",
        "corrections",
        [
            "kind",
            sa.literal_column("coalesce(wallet_id, target_id)"),
            sa.literal_column("coalesce(entry_id, 0)"),
        ],
        unique=True,
        postgresql_where=sa.text("kind <> 'adjustment' AND status IN ('proposed', 'confirmed')"),
    )
    op.create_table(
        "escrows",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("campaign_target_id", sa.BigInteger(), nullable=False),
        sa.Column("wallet_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "held",
                "released",
                "refunded",
                name="escrowstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="held",
            nullable=False,
        ),
        sa.Column("release_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.Column("txn", sa.BigInteger(), server_default=sa.text("ledger_txn()"), nullable=False),
        sa.CheckConstraint(
            "(status = 'held') = (settled_at IS NULL)", name=op.f("ck_escrows_settled")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_escrows_amount")),
        sa.CheckConstraint("fee >= 0 AND fee < amount", name=op.f("ck_escrows_fee")),
        sa.ForeignKeyConstraint(
            ["campaign_target_id"],
            ["campaign_targets.id"],
            name=op.f("fk_escrows_campaign_target_id"),
        ),
        sa.ForeignKeyConstraint(["wallet_id"], ["wallets.id"], name=op.f("fk_escrows_wallet_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escrows")),
        sa.UniqueConstraint("campaign_target_id", name=op.f("uq_escrows_campaign_target_id")),
        sa.UniqueConstraint("wallet_id", name=op.f("uq_escrows_wallet_id")),
    )
    op.create_index(
        "ix_escrows_held",
        "escrows",
        ["release_due_at"],
        unique=False,
        postgresql_where=sa.text("status = 'held'"),
    )
    op.create_index(
        "ix_escrows_held_since",
        "escrows",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("status = 'held'"),
    )
    op.create_index(op.f("ix_escrows_txn"), "escrows", ["txn"], unique=False)
    op.create_table(
        "post_jobs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("campaign_target_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "sending",
                "uncertain",
                "success",
                "failed",
                "cancelled",
                name="postjobstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="queued",
            nullable=False,
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claim_no", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unsent_claim_no", sa.BigInteger(), nullable=True),
        sa.Column("abandoned", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("known_message_id", sa.BigInteger(), nullable=True),
        sa.Column("first_absent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "next_check_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=True,
        ),
        sa.Column("escalate_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.Column("txn", sa.BigInteger(), server_default=sa.text("ledger_txn()"), nullable=False),
        sa.CheckConstraint(
            "(status = 'sending') = (lease_owner IS NOT NULL AND lease_until IS NOT NULL)",
            name=op.f("ck_post_jobs_lease"),
        ),
        sa.CheckConstraint(
            "(status = 'success') <= (message_id IS NOT NULL)", name=op.f("ck_post_jobs_success")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_target_id"],
            ["campaign_targets.id"],
            name=op.f("fk_post_jobs_campaign_target_id"),
        ),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f("fk_post_jobs_channel_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post_jobs")),
        sa.UniqueConstraint("campaign_target_id", name=op.f("uq_post_jobs_campaign_target_id")),
    )
    op.create_index(
        "ix_post_jobs_next_check",
        "post_jobs",
        ["next_check_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('uncertain', 'success')"),
    )
    op.create_index(
        "ix_post_jobs_open_escalation",
        "post_jobs",
        ["escalate_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('uncertain', 'success') AND NOT settled"),
    )
    op.create_index(
        "ix_post_jobs_open_channel_id",
        "post_jobs",
        ["channel_id"],
        unique=False,
        postgresql_where=sa.text("NOT settled"),
    )
    op.create_index(
        "ix_post_jobs_open_refund_due",
        "post_jobs",
        ["updated_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('failed', 'cancelled') AND NOT settled"),
    )
    op.create_index(
        "ix_post_jobs_queued",
        "post_jobs",
        ["due_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        "ix_post_jobs_sending",
        "post_jobs",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("status = 'sending'"),
    )
    op.create_index(
        "ix_post_jobs_status_updated_at", "post_jobs", ["status", "updated_at"], unique=False
    )
    op.create_index(op.f("ix_post_jobs_txn"), "post_jobs", ["txn"], unique=False)
    op.create_index(
        "uq_post_jobs_channel_busy",
        "post_jobs",
        ["channel_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('sending', 'uncertain')"),
    )
    op.create_table(
        "post_checks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("post_job_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum(
                "present",
                "altered",
                "gone",
                "unknown",
                name="verdict",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column(
            "checked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["post_job_id"], ["post_jobs.id"], name=op.f("fk_post_checks_post_job_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post_checks")),
    )
    op.create_index(
        "ix_post_checks_post_job_id_checked_at",
        "post_checks",
        ["post_job_id", "checked_at"],
        unique=False,
    )
