"""Give the cards about submitted placements the key that prevents a second card."""

from alembic import op

revision = "0010"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Set the keys of the cards that were queued without one."""
    op.execute(
        """
        UPDATE outbox SET key = 'target_submitted:' || (payload ->> 'target_id')
        WHERE kind = 'target_submitted' AND key IS NULL
        """
    )


def downgrade() -> None:
    """Change nothing: the version before works with the keys."""
