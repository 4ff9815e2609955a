"""Store to which address a person is paid, and bind each withdrawal to one.

Before, a withdrawal named no address, so that an admin had to ask the person.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

TABLE = "payout_destinations"
METHODS = ("ton", "usdt_ton", "bank", "card")
STATUSES = ("typed", "current", "replaced", "dropped")
MOVES = ("typed>current", "typed>dropped", "current>replaced", "current>dropped")
FROZEN = ("user_id", "amount", "currency", "key")
"""The columns of a withdrawal that never changed before this revision."""
FUNCTIONS = ("guard_destination", "require_destination")


def upgrade() -> None:
    """Create the table with its triggers and rights, then the column of withdrawals."""
    online.run(revision, (_create_table, _bind_withdrawals, _validate))


def _create_table() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("ciphertext", sa.Text(), nullable=False),
        sa.Column("status", sa.String(32), server_default="typed", nullable=False),
        sa.Column("is_change", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.Column(
            "correlation_id",
            sa.Text(),
            server_default=sa.text("nullif(current_setting('adtech.correlation_id', true), '')"),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f(f"fk_{TABLE}_user_id")),
        sa.CheckConstraint(f"method IN {METHODS}", name=op.f(f"ck_{TABLE}_payoutmethod")),
        sa.CheckConstraint(f"status IN {STATUSES}", name=op.f(f"ck_{TABLE}_destinationstatus")),
        sa.CheckConstraint(
            "(status IN ('current', 'replaced')) <= (confirmed_at IS NOT NULL)",
            name=op.f(f"ck_{TABLE}_confirmed"),
        ),
    )
    op.create_index(
        "uq_payout_destinations_current",
        TABLE,
        ["user_id", "method"],
        unique=True,
        postgresql_where=sa.text("status = 'current'"),
    )
    op.create_index("ix_payout_destinations_user_id_id", TABLE, ["user_id", "id"])
    for name in FUNCTIONS:
        functions.create(name, revision)
    _create_triggers()
    op.execute(f"GRANT SELECT, INSERT (user_id, method, ciphertext) ON {TABLE} TO adtech_bot")
    op.execute(f"GRANT UPDATE (status, ciphertext) ON {TABLE} TO adtech_bot")
    op.execute(f"GRANT SELECT ON {TABLE} TO adtech_clock")
    columns = "id, user_id, method, status, is_change, confirmed_at, created_at, correlation_id"
    op.execute(f"GRANT SELECT ({columns}) ON {TABLE} TO adtech_reports")


def _create_triggers() -> None:
    moves = ", ".join(f"'{move}'" for move in MOVES)
    changed = "old.status::text IS DISTINCT FROM new.status::text"
    frozen = ("user_id", "method", "created_at")
    differs = " OR ".join(f"old.{column} IS DISTINCT FROM new.{column}" for column in frozen)
    for trigger in (
        (
            f"allowed_move BEFORE UPDATE OF status ON {TABLE} FOR EACH ROW WHEN ({changed})"
            f" EXECUTE FUNCTION require_allowed_move({moves})"
        ),
        (
            f"initial_status BEFORE INSERT ON {TABLE} FOR EACH ROW"
            " WHEN (new.status::text IS DISTINCT FROM 'typed'::text)"
            " EXECUTE FUNCTION refuse_initial_status()"
        ),
        (
            f"confirmed_by_owner BEFORE UPDATE OF status ON {TABLE} FOR EACH ROW"
            f" WHEN ({changed} AND new.status::text = 'current'::text)"
            " EXECUTE FUNCTION guard_destination()"
        ),
        (
            f"frozen BEFORE UPDATE OF {', '.join(frozen)} ON {TABLE} FOR EACH ROW WHEN ({differs})"
            " EXECUTE FUNCTION refuse_frozen()"
        ),
        (
            f"never_deleted BEFORE DELETE OR TRUNCATE ON {TABLE} FOR EACH STATEMENT"
            " EXECUTE FUNCTION refuse_change()"
        ),
    ):
        op.execute(f"CREATE TRIGGER {trigger}")


def _bind_withdrawals() -> None:
    op.add_column("withdrawals", sa.Column("destination_id", sa.BigInteger(), nullable=True))
    op.execute(
        "ALTER TABLE withdrawals ADD CONSTRAINT fk_withdrawals_destination_id"
        f" FOREIGN KEY (destination_id) REFERENCES {TABLE} (id) NOT VALID"
    )
    _freeze((*FROZEN, "destination_id"))
    op.execute(
        "CREATE TRIGGER paid_to_own BEFORE INSERT ON withdrawals FOR EACH ROW"
        " WHEN (new.destination_id IS NOT NULL) EXECUTE FUNCTION require_destination()"
    )
    op.execute(
        "CREATE TRIGGER approved_to_own BEFORE UPDATE OF status ON withdrawals FOR EACH ROW"
        " WHEN (old.status::text <> new.status::text AND new.status::text = 'approved'::text"
        " AND new.destination_id IS NOT NULL) EXECUTE FUNCTION require_destination()"
    )


def _freeze(columns: tuple[str, ...]) -> None:
    differs = " OR ".join(f"old.{column} IS DISTINCT FROM new.{column}" for column in columns)
    op.execute(
        f"CREATE OR REPLACE TRIGGER frozen BEFORE UPDATE OF {', '.join(columns)} ON withdrawals"
        f" FOR EACH ROW WHEN ({differs}) EXECUTE FUNCTION refuse_frozen()"
    )


def _validate() -> None:
    online.validate("withdrawals", "fk_withdrawals_destination_id")


def downgrade() -> None:
    """Remove the column of withdrawals, the table and the functions."""
    op.execute("DROP TRIGGER approved_to_own ON withdrawals")
    op.execute("DROP TRIGGER paid_to_own ON withdrawals")
    _freeze(FROZEN)
    op.drop_column("withdrawals", "destination_id")
    op.drop_table(TABLE)
    for name in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {name}()")
