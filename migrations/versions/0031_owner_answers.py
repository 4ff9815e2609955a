"""Ask the owner of a channel before a placement is approved, or let the owner's rule accept it.

Before, an owner read of an ad only after an admin had approved it. A placement without `answer_due_at` was
submitted before owners were asked, and needs no answer.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

ANSWERS, RULES = "placement_answers", "acceptance_rules"
ADDED = (
    ("count_kept", "bigint", "adtech_bot, adtech_clock"),
    ("answer_placement", "bigint, bigint, text, text, text", "adtech_bot"),
    ("set_acceptance_rule", "bigint, bigint, bigint, bigint, text", "adtech_bot"),
    ("require_answer", "", None),
)
"""The new functions: name, arguments, and the logins that may call them."""
REPLACED = ("approve_target", "write_audit_row")
FROZEN = (
    *("campaign_id", "channel_id", "owner_id", "price", "promised_hours", "fee_bps"),
    "publish_at",
)
"""The columns of a placement that never changed before this revision."""
_CORRELATION = "nullif(current_setting('adtech.correlation_id', true), '')"
_REJECTED = "old.status::text = 'pending'::text AND new.status::text = 'rejected'::text"
_APPROVED = "old.status::text = 'pending'::text AND new.status::text = 'approved'::text"


def upgrade() -> None:
    """Create the tables and functions, then the columns and guards of placements."""
    online.run(revision, (_create_tables, _extend_placements, _create_indexes))


def _create_tables() -> None:
    op.create_table(
        ANSWERS,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("campaign_target_id", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.String(32), nullable=False),
        sa.Column("answered_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        _time("created_at"),
        _correlation_id(),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{ANSWERS}")),
        sa.UniqueConstraint("campaign_target_id", name=op.f(f"uq_{ANSWERS}_campaign_target_id")),
        _foreign_key(ANSWERS, "campaign_target_id", "campaign_targets"),
        _foreign_key(ANSWERS, "answered_by", "users"),
        sa.CheckConstraint("answer IN ('accepted', 'declined')", name=op.f(f"ck_{ANSWERS}_answer")),
        sa.CheckConstraint(
            "answer = 'accepted' OR answered_by IS NOT NULL", name=op.f(f"ck_{ANSWERS}_answered_by")
        ),
    )
    op.create_table(
        RULES,
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("least_kept", sa.BigInteger(), nullable=False),
        sa.Column("most_price", sa.BigInteger(), nullable=True),
        _time("changed_at"),
        _correlation_id(),
        sa.PrimaryKeyConstraint("channel_id", name=op.f(f"pk_{RULES}")),
        _foreign_key(RULES, "channel_id", "channels"),
        _foreign_key(RULES, "owner_id", "users"),
        sa.CheckConstraint("least_kept >= 0", name=op.f(f"ck_{RULES}_least_kept")),
        sa.CheckConstraint("most_price >= 1", name=op.f(f"ck_{RULES}_most_price")),
    )
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {ANSWERS}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(f"GRANT SELECT ON {ANSWERS}, {RULES} TO adtech_bot, adtech_clock, adtech_reports")


def _time(name: str) -> sa.Column[object]:
    default = sa.text("clock()")
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=False)


def _correlation_id() -> sa.Column[object]:
    default = sa.text(_CORRELATION)
    return sa.Column("correlation_id", sa.Text(), server_default=default, nullable=True)


def _foreign_key(table: str, column: str, referred: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{referred}.id"], name=op.f(f"fk_{table}_{column}"))


def _extend_placements() -> None:
    for name in ("answer_due_at", "agreed_at"):
        op.add_column(
            "campaign_targets", sa.Column(name, sa.DateTime(timezone=True), nullable=True)
        )
    for name, _, receivers in ADDED:
        functions.create(name, revision)
        if receivers:
            op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO {receivers}")
    for name in REPLACED:
        functions.create(name, revision)
    _freeze((*FROZEN, "answer_due_at"))
    _let_decide(f"({_APPROVED}) OR ({_REJECTED} AND new.decided_by IS DISTINCT FROM new.owner_id)")
    for trigger in (
        (
            "agreed_by_owner BEFORE UPDATE OF status ON campaign_targets FOR EACH ROW"
            f" WHEN ({_APPROVED}) EXECUTE FUNCTION require_answer('accepted')"
        ),
        (
            "declined_by_owner BEFORE UPDATE OF status ON campaign_targets FOR EACH ROW"
            f" WHEN ({_REJECTED} AND new.decided_by = new.owner_id)"
            " EXECUTE FUNCTION require_answer('declined')"
        ),
        (
            "agreed_by_owner BEFORE INSERT ON post_jobs FOR EACH ROW"
            " EXECUTE FUNCTION require_answer('accepted')"
        ),
    ):
        op.execute(f"CREATE TRIGGER {trigger}")


def _freeze(columns: tuple[str, ...]) -> None:
    differs = " OR ".join(f"old.{column} IS DISTINCT FROM new.{column}" for column in columns)
    op.execute(
        f"CREATE OR REPLACE TRIGGER frozen BEFORE UPDATE OF {', '.join(columns)} ON"
        f" campaign_targets FOR EACH ROW WHEN ({differs}) EXECUTE FUNCTION refuse_frozen()"
    )


def _let_decide(condition: str) -> None:
    op.execute(
        "CREATE OR REPLACE TRIGGER decided_by_admin BEFORE UPDATE OF status ON campaign_targets"
        f" FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION require_admin('decided_by')"
    )


def _create_indexes() -> None:
    online.create_index(
        "ix_campaign_targets_channel_id_id", "campaign_targets", ["channel_id", "id"]
    )
    op.execute("DROP INDEX IF EXISTS ix_campaign_targets_channel_id")
    online.create_index(
        "ix_campaign_targets_asked",
        "campaign_targets",
        ["owner_id", "id"],
        where="status = 'pending' AND agreed_at IS NULL AND answer_due_at IS NOT NULL",
    )


def downgrade() -> None:
    """Remove the guards, columns, functions and tables."""
    for trigger, table in (
        ("agreed_by_owner", "campaign_targets"),
        ("declined_by_owner", "campaign_targets"),
        ("agreed_by_owner", "post_jobs"),
    ):
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    _let_decide("OLD.status = 'pending' AND NEW.status IN ('approved', 'rejected')")
    _freeze(FROZEN)
    op.drop_index("ix_campaign_targets_asked", "campaign_targets")
    op.create_index("ix_campaign_targets_channel_id", "campaign_targets", ["channel_id"])
    op.drop_index("ix_campaign_targets_channel_id_id", "campaign_targets")
    for name in REPLACED:
        functions.create(name, down_revision)
    for name, arguments, _ in reversed(ADDED):
        op.execute(f"DROP FUNCTION {name}({arguments})")
    op.drop_column("campaign_targets", "agreed_at")
    op.drop_column("campaign_targets", "answer_due_at")
    op.drop_table(RULES)
    op.drop_table(ANSWERS)
