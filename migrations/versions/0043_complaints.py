"""Let advertisers complain about published posts, with the money held until somebody has decided.

Before, nothing but the bot's own checks stopped a release. A placement from before has no `complaint_window`: it
is released as it was sold.
"""

from functools import partial

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

COMPLAINTS, STEPS = "complaints", "complaint_steps"
READERS = "adtech_bot, adtech_clock, adtech_reports"
ADDED = (
    ("has_said", "bigint, text[]", None),
    ("complaint_share", "bigint, bigint", "adtech_bot, adtech_clock"),
    ("open_complaint", "bigint, bigint, text, text, interval, text", "adtech_bot"),
    ("take_complaint_step", "bigint, bigint, text, text, bigint, interval, text", "adtech_bot"),
    ("end_complaint_step", "bigint, interval, text", "adtech_clock"),
    ("absorb_complaint", "", None),
    ("complete_correction", "", None),
)
"""The new functions: name, arguments, and the logins that may call them."""
REPLACED = ("guard_escrow", "require_escrow_match", "reopen_escrow")
KINDS = ("wrong", "removed", "covered", "other")
STATUSES = ("asked", "correcting", "answered", "disputed", "decided", "appealed", "closed")
OUTCOMES = (
    *("satisfied", "silent", "unanswered", "absorbed"),
    *("released", "refunded", "split"),
)
STEP_KINDS = (
    *("opened", "answered", "correcting", "corrected", "satisfied"),
    *("disputed", "decided", "accepted", "appealed", "timed_out", "reminded"),
    *("absorbed", "ended"),
)
MOVES = (
    *("asked>answered", "asked>correcting", "asked>disputed", "asked>closed"),
    *("correcting>answered", "correcting>disputed", "correcting>closed"),
    *("answered>disputed", "answered>closed"),
    *("disputed>decided", "disputed>closed"),
    *("decided>appealed", "decided>closed", "appealed>decided", "appealed>closed"),
)
FROZEN = ("campaign_target_id", "number", "kind", "words", "created_at")
_BREAKS = "old.breach IS NULL AND new.breach IS NOT NULL"
_FAILS = "old.status::text = 'success'::text AND new.status::text = 'failed'::text"
_MOVES = ", ".join(f"'{move}'" for move in MOVES)
_DIFFERS = " OR ".join(f"old.{column} IS DISTINCT FROM new.{column}" for column in FROZEN)
REFERENCES = (
    (COMPLAINTS, "campaign_target_id", "campaign_targets"),
    (COMPLAINTS, "decided_by", "users"),
    (COMPLAINTS, "appealed_by", "users"),
    (STEPS, "complaint_id", COMPLAINTS),
    (STEPS, "actor_id", "users"),
)
"""The foreign keys: table, column, and the table to which it refers."""
TRIGGERS = (
    (
        f"allowed_move BEFORE UPDATE OF status ON {COMPLAINTS} FOR EACH ROW"
        " WHEN (old.status::text IS DISTINCT FROM new.status::text)"
        f" EXECUTE FUNCTION require_allowed_move({_MOVES})"
    ),
    (
        f"initial_status BEFORE INSERT ON {COMPLAINTS} FOR EACH ROW"
        " WHEN (new.status::text IS DISTINCT FROM 'asked'::text)"
        " EXECUTE FUNCTION refuse_initial_status()"
    ),
    (
        f"frozen BEFORE UPDATE OF {', '.join(FROZEN)} ON {COMPLAINTS} FOR EACH ROW"
        f" WHEN ({_DIFFERS}) EXECUTE FUNCTION refuse_frozen()"
    ),
    f"stamped BEFORE UPDATE ON {COMPLAINTS} FOR EACH ROW EXECUTE FUNCTION stamp_txn()",
    (
        f"never_deleted BEFORE DELETE OR TRUNCATE ON {COMPLAINTS} FOR EACH STATEMENT"
        " EXECUTE FUNCTION refuse_change()"
    ),
    (
        f"append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {STEPS} FOR EACH STATEMENT"
        " EXECUTE FUNCTION refuse_change()"
    ),
    (
        "absorbs_complaint AFTER UPDATE OF status, breach ON post_jobs FOR EACH ROW"
        f" WHEN (({_BREAKS}) OR ({_FAILS})) EXECUTE FUNCTION absorb_complaint()"
    ),
    (
        "completes_correction AFTER INSERT ON post_checks FOR EACH ROW"
        " WHEN (new.compared AND new.verdict::text <> ALL (ARRAY['unknown'::text,"
        " 'gone'::text])) EXECUTE FUNCTION complete_correction()"
    ),
    (
        "switched_split BEFORE UPDATE OF status ON escrows FOR EACH ROW"
        " WHEN (old.status::text <> new.status::text AND new.returned > 0)"
        " EXECUTE FUNCTION require_running('refunds')"
    ),
    (
        "frozen_window BEFORE UPDATE OF complaint_window ON campaign_targets FOR EACH ROW"
        " WHEN (old.complaint_window IS DISTINCT FROM new.complaint_window)"
        " EXECUTE FUNCTION refuse_frozen()"
    ),
)


def upgrade() -> None:
    """Create the tables, then the columns, the functions and the triggers."""
    # Each step locks one table that the product uses, so that nobody waits in a circle.
    online.run(
        revision,
        (
            _create_tables,
            *(partial(_refer, *reference) for reference in REFERENCES),
            _extend_placements,
            _extend_escrows,
            _create_functions,
            *(partial(op.execute, f"CREATE TRIGGER {trigger}") for trigger in TRIGGERS),
            _validate,
        ),
    )


def _create_tables() -> None:
    op.create_table(
        COMPLAINTS,
        _id(),
        _reference("campaign_target_id"),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("status", sa.String(32), server_default="asked", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        _flag("told_again"),
        sa.Column("owner_percent", sa.BigInteger(), nullable=True),
        _reference("decided_by", nullable=True),
        _reference("appealed_by", nullable=True),
        _flag("owner_accepts"),
        _flag("advertiser_accepts"),
        sa.Column("outcome", sa.String(32), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        _created_at(),
        sa.Column("txn", sa.BigInteger(), server_default=sa.text("ledger_txn()"), nullable=False),
        _correlation_id(),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{COMPLAINTS}")),
        sa.UniqueConstraint(
            "campaign_target_id", "number", name=op.f(f"uq_{COMPLAINTS}_campaign_target_id_number")
        ),
        _check(COMPLAINTS, "complaintkind", f"kind IN {KINDS}"),
        _check(COMPLAINTS, "complaintstatus", f"status IN {STATUSES}"),
        _check(COMPLAINTS, "outcome", f"outcome IN {OUTCOMES}"),
        _check(COMPLAINTS, "number", "number BETWEEN 1 AND 2"),
        _check(COMPLAINTS, "owner_percent", "owner_percent BETWEEN 0 AND 100"),
        _check(COMPLAINTS, "words", "kind <> 'other' OR words IS NOT NULL"),
        _check(
            COMPLAINTS,
            "closed",
            "(status = 'closed') = (outcome IS NOT NULL) AND (status = 'closed') = (due_at IS NULL)"
            " AND (status = 'closed') = (closed_at IS NOT NULL)",
        ),
        _check(
            COMPLAINTS,
            "decided",
            "(owner_percent IS NULL) = (decided_by IS NULL)"
            " AND (status NOT IN ('decided', 'appealed') OR owner_percent IS NOT NULL)",
        ),
    )
    is_open = sa.text("status <> 'closed'")
    op.create_index(
        f"uq_{COMPLAINTS}_open",
        COMPLAINTS,
        ["campaign_target_id"],
        unique=True,
        postgresql_where=is_open,
    )
    op.create_index(f"ix_{COMPLAINTS}_due_at", COMPLAINTS, ["due_at"], postgresql_where=is_open)
    op.create_index(f"ix_{COMPLAINTS}_txn", COMPLAINTS, ["txn"])
    op.create_table(
        STEPS,
        _id(),
        _reference("complaint_id"),
        sa.Column("kind", sa.String(32), nullable=False),
        _reference("actor_id", nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("owner_percent", sa.BigInteger(), nullable=True),
        _created_at(),
        _correlation_id(),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{STEPS}")),
        _check(STEPS, "stepkind", f"kind IN {STEP_KINDS}"),
    )
    op.create_index(f"ix_{STEPS}_complaint_id_id", STEPS, ["complaint_id", "id"])
    op.execute(f"GRANT SELECT ON {COMPLAINTS}, {STEPS} TO {READERS}")


def _refer(table: str, column: str, referred: str) -> None:
    op.create_foreign_key(
        op.f(f"fk_{table}_{column}"),
        table,
        referred,
        [column],
        ["id"],
        postgresql_not_valid=True,
    )


def _extend_placements() -> None:
    op.add_column(
        "campaign_targets",
        sa.Column(
            "complaint_window", sa.Interval(), server_default=sa.text("'00:00:00'"), nullable=False
        ),
    )
    op.create_check_constraint(
        op.f("ck_campaign_targets_complaint_window"),
        "campaign_targets",
        "complaint_window >= '00:00:00'",
        postgresql_not_valid=True,
    )


def _extend_escrows() -> None:
    op.add_column(
        "escrows",
        sa.Column("returned", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_escrows_returned"),
        "escrows",
        "returned = 0 OR (returned > 0 AND returned < amount AND status = 'released')",
        postgresql_not_valid=True,
    )
    op.execute("GRANT UPDATE (returned) ON escrows TO adtech_clock")


def _create_functions() -> None:
    for name, _, receivers in ADDED:
        functions.create(name, revision)
        if receivers:
            op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO {receivers}")
    for name in REPLACED:
        functions.create(name, revision)


def _validate() -> None:
    for table, column, _ in REFERENCES:
        online.validate(table, f"fk_{table}_{column}")
    online.validate("escrows", "ck_escrows_returned")
    online.validate("campaign_targets", "ck_campaign_targets_complaint_window")


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False)


def _reference(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _flag(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False)


def _created_at() -> sa.Column[object]:
    default = sa.text("clock()")
    return sa.Column(
        "created_at", sa.DateTime(timezone=True), server_default=default, nullable=False
    )


def _correlation_id() -> sa.Column[object]:
    default = sa.text("nullif(current_setting('adtech.correlation_id', true), '')")
    return sa.Column("correlation_id", sa.Text(), server_default=default, nullable=True)


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def downgrade() -> None:
    """Remove the triggers, the columns, the tables and the functions."""
    op.execute("DROP TRIGGER frozen_window ON campaign_targets")
    op.execute("DROP TRIGGER switched_split ON escrows")
    op.execute("DROP TRIGGER absorbs_complaint ON post_jobs")
    op.execute("DROP TRIGGER completes_correction ON post_checks")
    for name in REPLACED:
        functions.create(name, down_revision)
    op.drop_column("escrows", "returned")
    op.drop_column("campaign_targets", "complaint_window")
    for name, arguments, _ in reversed(ADDED):
        op.execute(f"DROP FUNCTION {name}({arguments})")
    op.drop_table(STEPS)
    op.drop_table(COMPLAINTS)
