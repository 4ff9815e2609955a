"""Let one admin claim the payment of a withdrawal for some time."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the admin who is paying, and the end of this admin's claim, to `withdrawals`."""
    op.add_column("withdrawals", sa.Column("paying_by", sa.BigInteger(), nullable=True))
    op.add_column(
        "withdrawals", sa.Column("paying_until", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_foreign_key(
        op.f("fk_withdrawals_paying_by"), "withdrawals", "users", ["paying_by"], ["id"]
    )
    op.create_check_constraint(
        op.f("ck_withdrawals_paying"), "withdrawals", "(paying_by IS NULL) = (paying_until IS NULL)"
    )
    op.execute("GRANT UPDATE (paying_by, paying_until) ON withdrawals TO adtech_app")


def downgrade() -> None:
    op.drop_column("withdrawals", "paying_until")
    op.drop_column("withdrawals", "paying_by")
