"""Let the database itself refuse acts with a stolen password around switches, incidents and checks.

Before, a login could let a switch run again in nobody's name. `adtech_bot` could also write a check of the
ledger and close an incident with it, in the name of any operator.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions

revision = "0016"
down_revision = "0013"
branch_labels = None
depends_on = None

REPLACED = ("run_switch", "guard_incident")
ADDED = (
    ("require_other_person", "text, bigint"),
    ("record_ledger_check", "bigint, jsonb, jsonb, timestamptz"),
)
CHANGED_RIGHTS = (
    ("INSERT ON ledger_checkpoints", "adtech_bot, adtech_clock", None),
    ("EXECUTE ON FUNCTION record_ledger_check", None, "adtech_clock"),
    ("UPDATE (closed_in) ON incidents", None, "adtech_bot"),
)
"""Each right, the logins that lose it, and the logins that get it."""


def upgrade() -> None:
    """Add the functions and triggers, and take rights away."""
    op.add_column("incidents", sa.Column("closed_in", sa.BigInteger(), nullable=True))
    op.create_unique_constraint(op.f("uq_incidents_closed_in"), "incidents", ["closed_in"])
    for name, _ in ADDED:
        functions.create(name, revision)
    for name in REPLACED:
        functions.create(name, revision)
    for right, losers, receivers in CHANGED_RIGHTS:
        if losers:
            op.execute(f"REVOKE {right} FROM {losers}")
        if receivers:
            op.execute(f"GRANT {right} TO {receivers}")


def downgrade() -> None:
    """Remove the functions and triggers, and give the rights back."""
    for right, losers, receivers in reversed(CHANGED_RIGHTS):
        if receivers:
            op.execute(f"REVOKE {right} FROM {receivers}")
        if losers:
            op.execute(f"GRANT {right} TO {losers}")
    for name in REPLACED:
        functions.create(name, down_revision)
    for name, arguments in ADDED:
        op.execute(f"DROP FUNCTION {name}({arguments})")
    op.drop_column("incidents", "closed_in")
