"""Let the database itself refuse acts with a stolen password around switches, incidents and checks.

Before, a login could let a switch run again in nobody's name.
"""

from alembic import op

from migrations import functions

revision = "0016"
down_revision = "0013"
branch_labels = None
depends_on = None

REPLACED = ("run_switch",)
ADDED = (("require_other_person", "text, bigint"),)


def upgrade() -> None:
    """Add the functions and triggers, and take rights away."""
    for name, _ in ADDED:
        functions.create(name, revision)
    for name in REPLACED:
        functions.create(name, revision)


def downgrade() -> None:
    """Remove the functions and triggers, and give the rights back."""
    for name in REPLACED:
        functions.create(name, down_revision)
    for name, arguments in ADDED:
        op.execute(f"DROP FUNCTION {name}({arguments})")
