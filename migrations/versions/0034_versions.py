"""Give placements versions: each has its own ad, terms and answer of the owner.

Before, a placement that somebody wanted to be different could only be declined or rejected. No version is
written before revision 0035.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import functions, online

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

TARGETS, ANSWERS = "campaign_targets", "placement_answers"
VERSIONS, REQUESTS = "placement_versions", "change_requests"
SIGNATURES = {
    "answer_placement": "bigint, bigint, text, text, text",
    "approve_target": "bigint, bigint, text, text",
}
"""The functions that get the argument `seen_version`, with their former arguments."""
REPLACED = ("require_answer", "extend_audit_chain")
FIXED = ("campaign_id", "channel_id", "owner_id", "fee_bps")
"""The columns of a placement that never change."""
VERSIONED = ("price", "promised_hours", "publish_at", "answer_due_at")
"""The columns that change only with the version, and never changed before this revision."""
_CORRELATION = "nullif(current_setting('adtech.correlation_id', true), '')"


def upgrade() -> None:
    """Create the tables and columns, then the functions and guards."""
    online.run(revision, (_create_tables, _extend, _create_key, _guard))


def _create_tables() -> None:
    op.create_table(
        VERSIONS,
        sa.Column("campaign_target_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("creative", JSONB(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("promised_hours", sa.BigInteger(), nullable=False),
        sa.Column("publish_at", sa.DateTime(timezone=True), nullable=True),
        _created_at(),
        _correlation_id(),
        sa.PrimaryKeyConstraint("campaign_target_id", "version", name=op.f(f"pk_{VERSIONS}")),
        _foreign_key(VERSIONS, "campaign_target_id", TARGETS),
    )
    op.create_table(
        REQUESTS,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("campaign_target_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.String(32), nullable=False),
        sa.Column("asked_by", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("publish_at", sa.DateTime(timezone=True), nullable=True),
        _created_at(),
        _correlation_id(),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{REQUESTS}")),
        _foreign_key(REQUESTS, "campaign_target_id", TARGETS),
        _foreign_key(REQUESTS, "asked_by", "users"),
        sa.CheckConstraint("side IN ('owner', 'moderator')", name=op.f(f"ck_{REQUESTS}_side")),
        sa.CheckConstraint("price >= 1", name=op.f(f"ck_{REQUESTS}_price")),
        sa.CheckConstraint(
            "num_nonnulls(words, price, publish_at) = 1", name=op.f(f"ck_{REQUESTS}_content")
        ),
    )
    op.create_index(f"ix_{REQUESTS}_campaign_target_id_id", REQUESTS, ["campaign_target_id", "id"])
    for table in (VERSIONS, REQUESTS):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        f"GRANT SELECT ON {VERSIONS}, {REQUESTS} TO adtech_bot, adtech_clock, adtech_reports"
    )
    op.execute(f"GRANT INSERT ON {REQUESTS} TO adtech_bot")


def _created_at() -> sa.Column[object]:
    default = sa.text("clock()")
    return sa.Column(
        "created_at", sa.DateTime(timezone=True), server_default=default, nullable=False
    )


def _correlation_id() -> sa.Column[object]:
    default = sa.text(_CORRELATION)
    return sa.Column("correlation_id", sa.Text(), server_default=default, nullable=True)


def _foreign_key(table: str, column: str, referred: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{referred}.id"], name=op.f(f"fk_{table}_{column}"))


def _extend() -> None:
    for table in (TARGETS, ANSWERS):
        op.add_column(
            table, sa.Column("version", sa.BigInteger(), server_default="1", nullable=False)
        )
    op.add_column(TARGETS, sa.Column("creative", JSONB(), nullable=True))
    op.add_column(TARGETS, sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))


def _create_key() -> None:
    online.create_index(
        f"uq_{ANSWERS}_campaign_target_id_version",
        ANSWERS,
        ["campaign_target_id", "version"],
        unique=True,
    )
    op.execute(
        f"ALTER TABLE {ANSWERS} DROP CONSTRAINT IF EXISTS uq_{ANSWERS}_campaign_target_id,"
        f" ADD CONSTRAINT uq_{ANSWERS}_campaign_target_id_version"
        f" UNIQUE USING INDEX uq_{ANSWERS}_campaign_target_id_version"
    )


def _guard() -> None:
    for name, arguments in SIGNATURES.items():
        # A call that has begun must still find the former function, so the next revision drops it.
        op.execute(f"ALTER FUNCTION {name}({arguments}) RENAME TO {name}_without_version")
        functions.create(name, revision)
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO adtech_bot")
    for name in (*REPLACED, "guard_version"):
        functions.create(name, revision)
    same_version = f"old.version = new.version AND ({_differs(VERSIONED)})"
    _freeze((*FIXED, *VERSIONED), f"{_differs(FIXED)} OR {same_version}")
    changed = ("version", "creative", "changed_at")
    op.execute(
        f"CREATE TRIGGER versioned BEFORE INSERT ON {TARGETS} FOR EACH ROW"
        " EXECUTE FUNCTION guard_version()"
    )
    op.execute(
        f"CREATE TRIGGER new_version BEFORE UPDATE OF {', '.join(changed)} ON {TARGETS}"
        f" FOR EACH ROW WHEN ({_differs(changed)}) EXECUTE FUNCTION guard_version()"
    )


def _differs(columns: tuple[str, ...]) -> str:
    return " OR ".join(f"old.{column} IS DISTINCT FROM new.{column}" for column in columns)


def _freeze(columns: tuple[str, ...], condition: str) -> None:
    op.execute(
        f"CREATE OR REPLACE TRIGGER frozen BEFORE UPDATE OF {', '.join(columns)} ON {TARGETS}"
        f" FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION refuse_frozen()"
    )


def downgrade() -> None:
    """Remove the guards, functions, columns and tables.

    Only versions that nobody has changed keep their answers.
    """
    for trigger in ("versioned", "new_version"):
        op.execute(f"DROP TRIGGER {trigger} ON {TARGETS}")
    frozen = (*FIXED, *VERSIONED)
    _freeze(frozen, _differs(frozen))
    op.execute("DROP FUNCTION guard_version()")
    for name, arguments in SIGNATURES.items():
        op.execute(f"DROP FUNCTION IF EXISTS {name}_without_version({arguments})")
        op.execute(f"DROP FUNCTION {name}({arguments}, bigint)")
        functions.create(name, down_revision)
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO adtech_bot")
    for name in REPLACED:
        functions.create(name, down_revision)
    op.execute(
        f"ALTER TABLE {ANSWERS} DROP CONSTRAINT uq_{ANSWERS}_campaign_target_id_version,"
        f" ADD CONSTRAINT uq_{ANSWERS}_campaign_target_id UNIQUE (campaign_target_id)"
    )
    op.drop_column(ANSWERS, "version")
    for column in ("changed_at", "creative", "version"):
        op.drop_column(TARGETS, column)
    op.drop_table(REQUESTS)
    op.drop_table(VERSIONS)
