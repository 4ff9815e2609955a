"""Let one admin claim the payment of a withdrawal for some time."""

import sqlalchemy as sa
from alembic import op

from migrations import online

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the admin who is paying, and the end of this admin's claim, to `withdrawals`."""
    online.run(revision, (_add_columns, _check_old_rows))


def _add_columns() -> None:
    op.add_column("withdrawals", sa.Column("paying_by", sa.BigInteger(), nullable=True))
    op.add_column(
        "withdrawals", sa.Column("paying_until", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_foreign_key(
        op.f("fk_withdrawals_paying_by"),
        "withdrawals",
        "users",
        ["paying_by"],
        ["id"],
        postgresql_not_valid=True,
    )
    op.create_check_constraint(
        op.f("ck_withdrawals_paying"),
        "withdrawals",
        "(paying_by IS NULL) = (paying_until IS NULL)",
        postgresql_not_valid=True,
    )
    op.execute("GRANT UPDATE (paying_by, paying_until) ON withdrawals TO adtech_app")


def _check_old_rows() -> None:
    online.validate("withdrawals", "fk_withdrawals_paying_by", "ck_withdrawals_paying")


def downgrade() -> None:
    op.drop_column("withdrawals", "paying_until")
    op.drop_column("withdrawals", "paying_by")
