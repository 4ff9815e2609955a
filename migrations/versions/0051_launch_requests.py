"""Let a check of the launch from a shell count only after its person's press in the admin chat.

Before, whoever had a shell and the login of the bot could check the launch in the name of any operator.
"""

from alembic import op

from migrations import functions

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

KINDS = (
    *("run_switch", "block", "unblock", "retry_payment", "correction", "grant_role"),
    *("revoke_role", "record_payment", "clawback", "block_staff", "unblock_staff", "repair"),
    *("mark_tester", "unmark_tester", "clean_up_tester"),
)
NEW_KIND = "launch"
REPLACED = ("record_launch_check", "guard_staff_request")
_CHECK = "ck_staff_requests_requestkind"


def upgrade() -> None:
    """Allow the new kind of requests, and replace the functions."""
    _check_kinds((*KINDS, NEW_KIND))
    for name in REPLACED:
        functions.create(name, revision)


def _check_kinds(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f(_CHECK), "staff_requests", type_="check")
    op.create_check_constraint(op.f(_CHECK), "staff_requests", f"kind IN {kinds}")


def downgrade() -> None:
    """Delete the requests of the new kind, and restore the former functions."""
    for name in REPLACED:
        functions.create(name, down_revision)
    op.execute("ALTER TABLE staff_requests DISABLE TRIGGER USER")
    op.execute(f"DELETE FROM staff_requests WHERE kind = '{NEW_KIND}'")  # noqa: S608 - a fixed word
    op.execute("ALTER TABLE staff_requests ENABLE TRIGGER USER")
    _check_kinds(KINDS)
