"""Store how far Telegram's list of Stars has been read, and require a comparison with the list.

The approval of a withdrawal of Stars requires that its deposits were compared with the list.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_NEW_DEPOSIT = "user_id, amount, currency, source, external_reference"
_UNCOMPARED = "currency = 'XTR' AND comparison IS NULL AND status <> 'clawed_back'"

GRANTS = (
    f"INSERT ({_NEW_DEPOSIT}) ON deposits TO adtech_bot, adtech_clock",
    "UPDATE (comparison) ON deposits TO adtech_clock",
    "SELECT ON star_list_positions TO adtech_bot, adtech_clock, adtech_reports",
    "INSERT (bot_id) ON star_list_positions TO adtech_clock",
    "UPDATE (position, begins_at, read_at) ON star_list_positions TO adtech_clock",
)

TRIGGERS = (
    (
        "compared BEFORE UPDATE OF status ON withdrawals FOR EACH ROW"
        " WHEN (OLD.status <> NEW.status AND NEW.status = 'approved')"
        " EXECUTE FUNCTION require_comparison()"
    ),
    (
        "compared_once BEFORE UPDATE OF comparison ON deposits FOR EACH ROW"
        " WHEN (OLD.comparison IS NOT NULL AND NEW.comparison IS DISTINCT FROM OLD.comparison)"
        " EXECUTE FUNCTION refuse_frozen()"
    ),
)


def upgrade() -> None:
    """Add the position in the list, the results of comparisons, and the check of approvals."""
    online.run(revision, (_change_schema, _check_old_rows, _create_index))


def _check_old_rows() -> None:
    online.validate("deposits", "ck_deposits_comparison")


def _create_index() -> None:
    online.create_index("ix_deposits_uncompared", "deposits", ["id"], where=_UNCOMPARED)


def _change_schema() -> None:
    op.create_table(
        "star_list_positions",
        sa.Column("bot_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("position >= 0", name=op.f("ck_star_list_positions_position")),
        sa.PrimaryKeyConstraint("bot_id", name=op.f("pk_star_list_positions")),
    )
    op.add_column("deposits", sa.Column("comparison", sa.String(length=32), nullable=True))
    op.create_check_constraint(
        op.f("ck_deposits_comparison"),
        "deposits",
        "comparison IN ('listed', 'accepted', 'not_covered')",
        postgresql_not_valid=True,
    )
    for name in ("require_comparison", "require_deposit_match"):
        functions.create(name, revision)
    for trigger in TRIGGERS:
        op.execute(f"CREATE TRIGGER {trigger}")
    op.execute("REVOKE INSERT ON deposits FROM adtech_bot, adtech_clock")
    for right in GRANTS:
        op.execute(f"GRANT {right}")


def downgrade() -> None:
    functions.create("require_deposit_match", down_revision)
    op.execute("DROP TRIGGER compared ON withdrawals")
    op.execute("DROP FUNCTION require_comparison")
    op.execute("DROP TRIGGER compared_once ON deposits")
    op.drop_column("deposits", "comparison")
    op.drop_table("star_list_positions")
    op.execute(f"REVOKE INSERT ({_NEW_DEPOSIT}) ON deposits FROM adtech_bot, adtech_clock")
    op.execute("GRANT INSERT ON deposits TO adtech_bot, adtech_clock")
