"""Compare the refunds in Stars, and the deposits that were taken back, with Telegram's list.

Without the comparison, an invented payment can pay an owner if an invented refund follows, and an
invented refund takes a payer's money.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_RESULTS = "refund_comparison IN ('listed', 'accepted', 'not_covered')"
_UNCOMPARED = "currency = 'XTR' AND comparison IS NULL"


def upgrade() -> None:
    """Add the result of the comparison of refunds, and compare all deposits in Stars."""
    op.add_column("deposits", sa.Column("refund_comparison", sa.String(length=32), nullable=True))
    op.create_check_constraint(op.f("ck_deposits_refund_comparison"), "deposits", _RESULTS)
    op.execute(
        "CREATE TRIGGER refund_compared_once BEFORE UPDATE OF refund_comparison ON deposits"
        " FOR EACH ROW WHEN (OLD.refund_comparison IS NOT NULL"
        " AND NEW.refund_comparison IS DISTINCT FROM OLD.refund_comparison)"
        " EXECUTE FUNCTION refuse_frozen()"
    )
    _replace_index(_UNCOMPARED)
    op.create_index(
        "ix_deposits_uncompared_refunds",
        "deposits",
        ["id"],
        postgresql_where=sa.text(
            "currency = 'XTR' AND refund_comparison IS NULL AND status = 'clawed_back'"
        ),
    )
    op.execute("GRANT UPDATE (refund_comparison) ON deposits TO adtech_clock")
    functions.create("require_comparison", revision)


def downgrade() -> None:
    """Remove the result of the comparison of refunds."""
    functions.create("require_comparison", down_revision)
    op.execute("DROP TRIGGER refund_compared_once ON deposits")
    op.drop_index("ix_deposits_uncompared_refunds", "deposits")
    op.drop_column("deposits", "refund_comparison")
    _replace_index(f"{_UNCOMPARED} AND status <> 'clawed_back'")


def _replace_index(condition: str) -> None:
    op.drop_index("ix_deposits_uncompared", "deposits")
    op.create_index(
        "ix_deposits_uncompared", "deposits", ["id"], postgresql_where=sa.text(condition)
    )
