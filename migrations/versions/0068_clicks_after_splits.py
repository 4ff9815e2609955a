"""Leave what a split after a complaint gave back out of the price of a click."""

from migrations import functions

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None

FUNCTION = "count_channel_clicks"


def upgrade() -> None:
    """Replace the function. The tick counts changed channels again."""
    functions.create(FUNCTION, revision)


def downgrade() -> None:
    """Restore the former function."""
    functions.create(FUNCTION, down_revision)
