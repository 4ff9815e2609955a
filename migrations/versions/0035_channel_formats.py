"""Let a channel sell several formats of posts, each with its price.

Before, a channel had one price and one number of promised hours.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0035"
down_revision = "0033"
branch_labels = None
depends_on = None

TABLE, PLACEMENTS = "channel_formats", "campaign_targets"
ENDINGS = ("left", "endless")
FUNCTION = "keep_first_format"
FROZEN = ("hours_on_top", "ending")
ON_TOP = "hours_on_top BETWEEN 0 AND promised_hours"
CHECKS = (("hours_on_top", ON_TOP), ("ending", f"ending IN {ENDINGS}"))
"""The new constraints of placements: name and condition."""


def upgrade() -> None:
    """Create the table, then the columns of placements, and a format for each priced channel."""
    online.run(revision, (_create_table, _extend_placements, _validate, _fill))


def _create_table() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("promised_hours", sa.BigInteger(), nullable=False),
        *_promise_columns(),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f(f"fk_{TABLE}_channel_id")
        ),
        sa.CheckConstraint("price >= 1", name=op.f(f"ck_{TABLE}_price")),
        sa.CheckConstraint("promised_hours >= 0", name=op.f(f"ck_{TABLE}_promised_hours")),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_{TABLE}_{name}")) for name, rule in CHECKS),
    )
    op.create_index(
        "uq_channel_formats_present",
        TABLE,
        ["channel_id", "promised_hours", "hours_on_top", "ending"],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    frozen = ("id", "channel_id", "price", "promised_hours", *FROZEN, "created_at")
    op.execute(
        f"CREATE TRIGGER frozen BEFORE UPDATE ON {TABLE} FOR EACH ROW"
        f" WHEN (old.retired_at IS NOT NULL OR {_differs(frozen)})"
        " EXECUTE FUNCTION refuse_frozen()"
    )
    op.execute(
        f"CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON {TABLE}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    functions.create(FUNCTION, revision)
    op.execute(
        "CREATE TRIGGER first_format AFTER INSERT OR UPDATE OF price, promised_hours ON channels"
        f" FOR EACH ROW EXECUTE FUNCTION {FUNCTION}()"
    )
    columns = "channel_id, price, promised_hours, hours_on_top, ending"
    op.execute(f"GRANT SELECT, INSERT ({columns}), UPDATE (retired_at) ON {TABLE} TO adtech_bot")
    op.execute(f"GRANT SELECT ON {TABLE} TO adtech_clock, adtech_reports")


def _promise_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("hours_on_top", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("ending", sa.String(32), server_default="left", nullable=False),
    ]


def _differs(columns: tuple[str, ...]) -> str:
    return " OR ".join(f"old.{column} IS DISTINCT FROM new.{column}" for column in columns)


def _extend_placements() -> None:
    for column in _promise_columns():
        op.add_column(PLACEMENTS, column)
    for name, rule in CHECKS:
        op.execute(
            f"ALTER TABLE {PLACEMENTS} ADD CONSTRAINT ck_{PLACEMENTS}_{name} CHECK ({rule}) NOT VALID"
        )
    op.execute(
        f"CREATE TRIGGER frozen_format BEFORE UPDATE OF {', '.join(FROZEN)} ON {PLACEMENTS}"
        f" FOR EACH ROW WHEN ({_differs(FROZEN)}) EXECUTE FUNCTION refuse_frozen()"
    )


def _validate() -> None:
    online.validate(PLACEMENTS, *(f"ck_{PLACEMENTS}_{name}" for name, _ in CHECKS))


def _fill() -> None:
    # The trigger `first_format` makes the format, under the lock of the channel.
    online.update_by_id(
        "channels",
        "UPDATE channels SET price = price WHERE id BETWEEN :first AND :last AND price IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM channel_formats f WHERE f.channel_id = channels.id)",
    )


def downgrade() -> None:
    """Remove the columns of placements and the table. The first format of a channel remains."""
    op.execute(f"DROP TRIGGER frozen_format ON {PLACEMENTS}")
    for column in FROZEN:
        op.drop_column(PLACEMENTS, column)
    op.execute("DROP TRIGGER first_format ON channels")
    op.execute(f"DROP FUNCTION {FUNCTION}()")
    op.drop_table(TABLE)
