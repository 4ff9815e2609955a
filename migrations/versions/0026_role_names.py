"""Let the database roles have the names that a hosting provider gives.

Before, functions had the usual names in their texts. A hoster that puts a prefix before each name, or that
lets nobody create roles, could not run the product. Without the membership in pg_signal_backend, a stop of
a switch failed when a session held it up.
"""

from alembic import op

from migrations import functions

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

REPLACED = (
    "end_lock_holders",
    "end_sessions",
    "end_switch_holders",
    "guard_breach",
    "guard_check",
    "guard_notice",
    "guard_process_row",
    "require_own_act",
    "require_role_request",
)
"""The functions whose texts had names of roles, or that end sessions."""


def upgrade() -> None:
    """Add the function that knows the names, and let the logins call it."""
    functions.create("role_name", revision)
    op.execute(
        "GRANT EXECUTE ON FUNCTION role_name"
        " TO adtech_intake, adtech_bot, adtech_clock, adtech_reports"
    )
    functions.create("may_end_sessions_of", revision)
    for name in REPLACED:
        functions.create(name, revision)


def downgrade() -> None:
    """Write the names into the functions again."""
    for name in REPLACED:
        functions.create(name, down_revision)
    op.execute("DROP FUNCTION may_end_sessions_of(name)")
    op.execute("DROP FUNCTION role_name(text)")
