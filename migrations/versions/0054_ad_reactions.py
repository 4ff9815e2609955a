"""Keep how many reactions the published ads have, which Telegram has told and nobody kept."""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0051"
branch_labels = None
depends_on = None

TABLE = "ad_reactions"


def upgrade() -> None:
    """Create the table, and let the bot write it and the reports read it."""
    op.create_table(
        TABLE,
        sa.Column("campaign_target_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reactions", sa.BigInteger(), nullable=False),
        sa.Column(
            "told_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("campaign_target_id", name=op.f(f"pk_{TABLE}")),
        sa.ForeignKeyConstraint(
            ["campaign_target_id"],
            ["campaign_targets.id"],
            name=op.f(f"fk_{TABLE}_campaign_target_id"),
        ),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE (reactions, told_at) ON {TABLE} TO adtech_bot")
    op.execute(f"GRANT SELECT ON {TABLE} TO adtech_clock, adtech_reports")


def downgrade() -> None:
    """Remove the table."""
    op.drop_table(TABLE)
