"""Compare the refunds in Stars, and the deposits that were taken back, with Telegram's list.

Without the comparison, an invented payment can pay an owner if an invented refund follows, and an
invented refund takes a payer's money.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_RESULTS = "refund_comparison IN ('listed', 'accepted', 'not_covered')"
_UNCOMPARED = "currency = 'XTR' AND comparison IS NULL"


def upgrade() -> None:
    """Add the result of the comparison of refunds, and compare all deposits in Stars."""
    online.run(revision, (_change_schema, _check_old_rows, _create_indexes))


def _check_old_rows() -> None:
    online.validate("deposits", "ck_deposits_refund_comparison")


def _create_indexes() -> None:
    online.create_index(
        "ix_deposits_uncompared_refunds",
        "deposits",
        ["id"],
        where="currency = 'XTR' AND refund_comparison IS NULL AND status = 'clawed_back'",
    )
    online.replace_index("ix_deposits_uncompared", "deposits", ["id"], where=_UNCOMPARED)


def _change_schema() -> None:
    op.add_column("deposits", sa.Column("refund_comparison", sa.String(length=32), nullable=True))
    op.create_check_constraint(
        op.f("ck_deposits_refund_comparison"), "deposits", _RESULTS, postgresql_not_valid=True
    )
    op.execute(
        "CREATE TRIGGER refund_compared_once BEFORE UPDATE OF refund_comparison ON deposits"
        " FOR EACH ROW WHEN (OLD.refund_comparison IS NOT NULL"
        " AND NEW.refund_comparison IS DISTINCT FROM OLD.refund_comparison)"
        " EXECUTE FUNCTION refuse_frozen()"
    )
    op.execute("GRANT UPDATE (refund_comparison) ON deposits TO adtech_clock")
    functions.create("require_comparison", revision)


def downgrade() -> None:
    """Remove the result of the comparison of refunds."""
    functions.create("require_comparison", down_revision)
    op.execute("DROP TRIGGER refund_compared_once ON deposits")
    op.drop_index("ix_deposits_uncompared_refunds", "deposits")
    op.drop_column("deposits", "refund_comparison")
    op.drop_index("ix_deposits_uncompared", "deposits")
    op.create_index(
        "ix_deposits_uncompared",
        "deposits",
        ["id"],
        postgresql_where=sa.text(f"{_UNCOMPARED} AND status <> 'clawed_back'"),
    )
