"""Refuse an approval if the channel's auto-delete timer removes the post too early."""

from migrations import functions

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace the function."""
    functions.create("approve_target", revision)


def downgrade() -> None:
    """Restore the former function."""
    functions.create("approve_target", down_revision)
