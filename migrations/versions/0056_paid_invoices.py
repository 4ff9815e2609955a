"""Store which invoice a payment has paid, so that the bot lets nobody pay an invoice twice.

Before, a second press on the button "Pay" of a paid invoice took the money again. Payments that were reported
before this revision have no invoice, because a report never changes.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0056"
down_revision = "0054"
branch_labels = None
depends_on = None

GRANTS = (
    "INSERT (invoice) ON received_payments TO adtech_intake",
    "SELECT ON checkouts TO adtech_bot, adtech_reports",
    "INSERT (user_id, invoice, query_id) ON checkouts TO adtech_bot",
    "UPDATE (invoice, query_id, accepted_at) ON checkouts TO adtech_bot",
)


def upgrade() -> None:
    """Add the invoice of a payment, and the table of the payments to which the bot has agreed."""
    online.run(revision, (_add_invoice, _create_index, _add_checkouts))


def _add_invoice() -> None:
    op.add_column("received_payments", sa.Column("invoice", sa.Text(), nullable=True))
    functions.create("note_payment", revision)


def _create_index() -> None:
    online.create_index(
        "ix_received_payments_invoice",
        "received_payments",
        ["invoice"],
        where="invoice IS NOT NULL",
    )


def _add_checkouts() -> None:
    op.create_table(
        "checkouts",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("invoice", sa.Text(), nullable=False),
        sa.Column("query_id", sa.Text(), nullable=False),
        sa.Column(
            "accepted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_checkouts_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_checkouts")),
    )
    for right in GRANTS:
        op.execute(f"GRANT {right}")


def downgrade() -> None:
    """Remove the table and the column."""
    op.drop_table("checkouts")
    functions.create("note_payment", down_revision)
    op.drop_index("ix_received_payments_invoice", "received_payments")
    op.drop_column("received_payments", "invoice")
