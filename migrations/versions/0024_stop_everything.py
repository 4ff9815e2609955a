"""Stop all kill switches in one transaction, and settle several stops at once.

Before, nine stops one after the other took 14.8 seconds, and a session of the owner's role that held a
switch kept its stop from being settled.
"""

from alembic import op

from migrations import functions

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

ADDED = (
    ("stop_all_switches", "bigint, text, text, text", "adtech_bot, adtech_clock"),
    ("end_switch_holders", "text[]", None),
    ("settle_stops", "text[]", "adtech_bot, adtech_clock"),
)
"""The new functions: name, arguments, and the logins that may call them."""


def upgrade() -> None:
    """Add the functions, and let `settle_stop` use them."""
    for name, _, receivers in ADDED:
        functions.create(name, revision)
        if receivers:
            op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO {receivers}")
    functions.create("settle_stop", revision)


def downgrade() -> None:
    """Remove the functions."""
    functions.create("settle_stop", down_revision)
    for name, arguments, _ in reversed(ADDED):
        op.execute(f"DROP FUNCTION {name}({arguments})")
