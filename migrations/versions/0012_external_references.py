"""Remember the newest transaction that was read from Telegram's list of Stars.

The position alone does not show that Telegram has dropped old transactions.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the name of the transaction, which the scheduler may write."""
    op.add_column("star_list_positions", sa.Column("newest", sa.Text(), nullable=True))
    op.execute("GRANT UPDATE (newest) ON star_list_positions TO adtech_clock")


def downgrade() -> None:
    """Remove the name of the transaction."""
    op.drop_column("star_list_positions", "newest")
