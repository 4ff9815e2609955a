"""Require a button press of both people for acts of two people, and freeze more columns.

New links of the audit chain cover the frozen terms, for example prices. After a downgrade, the
older program reports the first such link as broken.
"""

from functools import partial

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

FROZEN_BEFORE = {
    "campaign_targets": (
        "campaign_id",
        "channel_id",
        "owner_id",
        "price",
        "promised_hours",
        "fee_bps",
    ),
    "campaigns": ("advertiser_id",),
}
FROZEN = {
    "campaign_targets": (*FROZEN_BEFORE["campaign_targets"], "publish_at"),
    "campaigns": ("advertiser_id", "creative", "total_budget"),
    "channels": ("chat_id",),
    "staff_requests": ("kind", "arguments", "subject_id", "reason", "requested_by"),
}
"""The columns, by table, that no database role can change."""
PRESSES = (
    ("staff_requests", "acknowledged_in"),
    ("staff_requests", "decided_in"),
    ("corrections", "proposed_in"),
    ("corrections", "confirmed_in"),
)
"""The columns with the inbox rows in which people agreed. Each row counts only once."""
REPLACED = ("extend_audit_chain", "require_role_request", "write_audit_row")
FUNCTIONS = (
    "words_in_update",
    "require_words",
    "is_command_for_request",
    "guard_staff_request",
    "tell_staff_request",
    "guard_signature",
    "decided_role_request",
    "reconcile_super_admins",
    "require_payment_request",
    "guard_moved_chat",
    "tell_moved_chat",
    "end_hanging_sessions",
)
TRIGGERS = (
    (
        "signed BEFORE INSERT OR UPDATE OF status, acknowledged ON staff_requests FOR EACH ROW"
        " EXECUTE FUNCTION guard_staff_request()"
    ),
    (
        "told AFTER INSERT ON staff_requests FOR EACH ROW WHEN (NOT NEW.acknowledged)"
        " EXECUTE FUNCTION tell_staff_request()"
    ),
    (
        "told_again AFTER UPDATE ON staff_requests FOR EACH ROW"
        " WHEN (NEW.status <> OLD.status OR NEW.acknowledged <> OLD.acknowledged)"
        " EXECUTE FUNCTION tell_staff_request()"
    ),
    (
        "signed_proposal BEFORE INSERT ON corrections FOR EACH ROW"
        " EXECUTE FUNCTION guard_signature()"
    ),
    (
        "signed_confirmation BEFORE UPDATE OF confirmed_by ON corrections FOR EACH ROW"
        " WHEN (NEW.confirmed_by IS DISTINCT FROM OLD.confirmed_by)"
        " EXECUTE FUNCTION guard_signature()"
    ),
    (
        "confirmed_once BEFORE INSERT OR UPDATE ON moved_chats FOR EACH ROW"
        " EXECUTE FUNCTION guard_moved_chat()"
    ),
    "told AFTER INSERT ON moved_chats FOR EACH ROW EXECUTE FUNCTION tell_moved_chat()",
)


def upgrade() -> None:
    """Create the columns, the functions and the triggers, and grant the rights."""
    online.run(
        revision,
        (
            _change_schema,
            *(partial(_freeze, {table: columns}) for table, columns in FROZEN.items()),
        ),
    )


def _change_schema() -> None:
    for table, column in PRESSES:
        op.add_column(table, sa.Column(column, sa.BigInteger(), nullable=True))
        op.create_unique_constraint(op.f(f"uq_{table}_{column}"), table, [column])
        op.execute(
            f"CREATE TRIGGER {column}_kept BEFORE UPDATE OF {column} ON {table} FOR EACH ROW"
            f" WHEN (OLD.{column} IS NOT NULL AND NEW.{column} IS DISTINCT FROM OLD.{column})"
            " EXECUTE FUNCTION refuse_frozen()"
        )
    _let_moves_be_confirmed()
    for name in (*FUNCTIONS, *REPLACED):
        functions.create(name, revision)
    for trigger in TRIGGERS:
        op.execute(f"CREATE TRIGGER {trigger}")
    op.execute(
        "CREATE CONSTRAINT TRIGGER paid_by_two AFTER UPDATE ON withdrawals DEFERRABLE"
        " INITIALLY DEFERRED FOR EACH ROW"
        " WHEN (OLD.status = 'requested' AND NEW.status = 'paid')"
        " EXECUTE FUNCTION require_payment_request()"
    )
    op.execute("GRANT UPDATE (acknowledged_in, decided_in) ON staff_requests TO adtech_bot")
    op.execute("GRANT UPDATE (confirmed_in) ON corrections TO adtech_bot")
    op.execute("GRANT EXECUTE ON FUNCTION reconcile_super_admins TO adtech_intake")
    op.execute(
        "GRANT UPDATE (confirmed_by, confirmed_in, confirmed_at) ON moved_chats TO adtech_bot"
    )
    op.execute("GRANT EXECUTE ON FUNCTION end_hanging_sessions TO adtech_clock")
    _audit_moves("INSERT OR UPDATE")


def downgrade() -> None:
    """Restore the functions and the triggers, and drop the columns."""
    for name in REPLACED:
        functions.create(name, down_revision)
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name} CASCADE")  # with its triggers
    for table, column in PRESSES:
        op.execute(f"DROP TRIGGER {column}_kept ON {table}")
        op.drop_column(table, column)
    _audit_moves("INSERT")
    op.execute("DELETE FROM moved_chats WHERE confirmed_at IS NULL")
    op.drop_constraint(op.f("pk_moved_chats"), "moved_chats")
    op.create_primary_key(op.f("pk_moved_chats"), "moved_chats", ["old_chat_id"])
    for column in ("confirmed_at", "confirmed_in", "confirmed_by"):
        op.drop_column("moved_chats", column)
    for table in FROZEN:
        op.execute(f"DROP TRIGGER frozen ON {table}")
    _freeze(FROZEN_BEFORE)


def _let_moves_be_confirmed() -> None:
    """Add the confirmation of a new admin chat id. Stored new ids count as confirmed."""
    op.add_column("moved_chats", sa.Column("confirmed_by", sa.BigInteger(), nullable=True))
    op.add_column("moved_chats", sa.Column("confirmed_in", sa.BigInteger(), nullable=True))
    op.add_column(
        "moved_chats", sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_foreign_key(
        op.f("fk_moved_chats_confirmed_by"), "moved_chats", "users", ["confirmed_by"], ["id"]
    )
    op.create_unique_constraint(
        op.f("uq_moved_chats_confirmed_in"), "moved_chats", ["confirmed_in"]
    )
    op.drop_constraint(op.f("pk_moved_chats"), "moved_chats")
    op.create_primary_key(op.f("pk_moved_chats"), "moved_chats", ["old_chat_id", "new_chat_id"])
    op.create_index(
        "uq_moved_chats_confirmed",
        "moved_chats",
        ["old_chat_id"],
        unique=True,
        postgresql_where=sa.text("confirmed_at IS NOT NULL"),
    )
    op.execute("UPDATE moved_chats SET confirmed_at = moved_at")


def _audit_moves(events: str) -> None:
    """Replace the trigger that writes an audit row for changes (`events`) of `moved_chats`."""
    op.execute("DROP TRIGGER audited ON moved_chats")
    op.execute(
        f"CREATE CONSTRAINT TRIGGER audited AFTER {events} ON moved_chats DEFERRABLE"
        " INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION write_audit_row()"
    )


def _freeze(frozen: dict[str, tuple[str, ...]]) -> None:
    for table, columns in frozen.items():
        old, new = (", ".join(f"{row}.{name}" for name in columns) for row in ("OLD", "NEW"))
        op.execute(
            f"CREATE OR REPLACE TRIGGER frozen BEFORE UPDATE OF {', '.join(columns)} ON {table}"
            f" FOR EACH ROW WHEN (({old}) IS DISTINCT FROM ({new}))"
            " EXECUTE FUNCTION refuse_frozen()"
        )
