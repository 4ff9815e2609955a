"""Store the provider's ids of payments, and what Telegram's list of Stars has that is not booked.

A letter about a chargeback of a card payment names the provider's id and not Telegram's. A listed transaction
whose payer is unknown no longer stops the reading of the list, so it is stored. All lists are read once more,
because transactions that were refused before this revision are not stored.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_PAYMENT = "update.payload #> '{message,successful_payment}'"
_PROVIDER_ID = f"{_PAYMENT} ->> 'provider_payment_charge_id'"
_CHARGES_OF_WAITING_UPDATES = f"""
    UPDATE received_payments noted SET provider_charge_id = {_PROVIDER_ID}
    FROM inbox update
    WHERE noted.kind = 'payment' AND noted.charge_id = {_PAYMENT} ->> 'telegram_payment_charge_id'
        AND length({_PROVIDER_ID}) BETWEEN 1 AND 200
"""  # noqa: S608 - above

_LISTED = "kind, charge_id, telegram_id, amount, payload, date, language, update_id"

GRANTS = (
    "INSERT (provider_charge_id) ON received_payments TO adtech_intake",
    f"INSERT ({_LISTED}) ON listed_star_transactions TO adtech_clock",
    "SELECT ON listed_star_transactions TO adtech_bot, adtech_clock, adtech_reports",
    "UPDATE (read_again_at) ON star_list_positions TO adtech_clock",
)


def upgrade() -> None:
    """Add the provider's id, the table of listed transactions, and the time of the last repeat."""
    online.run(revision, (_add_provider_id, _read_waiting_updates, _create_index, _add_list))


def _add_provider_id() -> None:
    op.add_column("received_payments", sa.Column("provider_charge_id", sa.Text(), nullable=True))
    functions.create("note_payment", revision)


def _read_waiting_updates() -> None:
    op.execute(_CHARGES_OF_WAITING_UPDATES)


def _create_index() -> None:
    online.create_index(
        "ix_received_payments_provider_charge_id",
        "received_payments",
        ["provider_charge_id"],
        where="provider_charge_id IS NOT NULL",
    )


def _add_list() -> None:
    op.create_table(
        "listed_star_transactions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("charge_id", sa.Text(), nullable=False),
        sa.Column("telegram_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("date", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("update_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('payment', 'refund')", name=op.f("ck_listed_star_transactions_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listed_star_transactions")),
        sa.UniqueConstraint(
            "kind", "charge_id", name=op.f("uq_listed_star_transactions_kind_charge_id")
        ),
    )
    for table in ("received_payments", "listed_star_transactions"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.add_column(
        "star_list_positions",
        sa.Column("read_again_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.execute("UPDATE star_list_positions SET position = 0, newest = NULL")
    for right in GRANTS:
        op.execute(f"GRANT {right}")


def downgrade() -> None:
    op.drop_column("star_list_positions", "read_again_at")
    op.drop_table("listed_star_transactions")
    op.execute("DROP TRIGGER append_only ON received_payments")
    functions.create("note_payment", down_revision)
    op.drop_column("received_payments", "provider_charge_id")
