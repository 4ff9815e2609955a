"""Record who applies a repair of the ledger, and let this person run no switch afterwards.

Before, a repair was applied by the owner's role in nobody's name, so the same person could repair the
ledger and let the money move again.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

REPLACED = ("repair", "require_other_person")
KINDS = (
    "run_switch",
    "block",
    "unblock",
    "retry_payment",
    "correction",
    "grant_role",
    "revoke_role",
    "record_payment",
    "clawback",
    "block_staff",
    "unblock_staff",
)
_CHECK = "ck_staff_requests_requestkind"


def _check_kinds(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f(_CHECK), "staff_requests", type_="check")
    op.create_check_constraint(op.f(_CHECK), "staff_requests", f"kind IN {kinds}")


def upgrade() -> None:
    """Add the request to apply a repair and the column of its signer, and replace the functions."""
    _check_kinds((*KINDS, "repair"))
    op.add_column("corrections", sa.Column("applied_by", sa.BigInteger()))
    op.create_foreign_key(
        op.f("fk_corrections_applied_by"), "corrections", "users", ["applied_by"], ["id"]
    )
    for name in REPLACED:
        functions.create(name, revision)


def downgrade() -> None:
    """Restore the functions, and remove the column and the requests of the new kind."""
    for name in REPLACED:
        functions.create(name, down_revision)
    op.drop_column("corrections", "applied_by")
    op.execute("ALTER TABLE staff_requests DISABLE TRIGGER USER")
    op.execute("DELETE FROM staff_requests WHERE kind = 'repair'")
    op.execute("ALTER TABLE staff_requests ENABLE TRIGGER USER")
    _check_kinds(KINDS)
