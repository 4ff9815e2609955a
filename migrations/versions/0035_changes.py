"""Let advertisers change pending placements, about which the owners of the channels are asked again.

This is a revision of its own, because the release before 0034 publishes the ad of the campaign also for a
placement that has another ad. Apply it after the last process of that release has stopped.
"""

from alembic import op

from migrations import functions

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

ARGUMENTS = "bigint, bigint, bigint, jsonb, bigint, bigint, timestamptz, timestamptz, text"


FORMER = {
    "answer_placement_without_version": "bigint, bigint, text, text, text",
    "approve_target_without_version": "bigint, bigint, text, text",
}
"""The functions that revision 0034 has replaced by others with one more argument."""


def upgrade() -> None:
    """Create the function that changes a placement, and drop the former functions."""
    for name, arguments in FORMER.items():
        op.execute(f"DROP FUNCTION IF EXISTS {name}({arguments})")
    functions.create("change_placement", revision)
    op.execute("GRANT EXECUTE ON FUNCTION change_placement TO adtech_bot")


def downgrade() -> None:
    """Remove the function."""
    op.execute(f"DROP FUNCTION change_placement({ARGUMENTS})")
