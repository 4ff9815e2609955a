"""Refuse a second payment with the same external reference, and remember a list's newest transaction.

Withdrawals and payments in excess share their external references. The primary key of one table for both
also refuses two payments that are recorded at the same time. The reference of a paid withdrawal never
changes. In Telegram's list of Stars, the position alone does not show that Telegram has dropped old
transactions. The reasons that the product itself stores with kill switches become codes, so that the
screens can translate them.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_CHANGED = "OLD.external_reference IS DISTINCT FROM NEW.external_reference"
_USE = "EXECUTE FUNCTION use_external_reference()"

TRIGGERS = (
    (
        "append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON external_references FOR EACH STATEMENT"
        " EXECUTE FUNCTION refuse_change()"
    ),
    f"uses_reference BEFORE INSERT ON excess_payments FOR EACH ROW {_USE}",
    (
        "uses_reference BEFORE INSERT ON withdrawals FOR EACH ROW"
        f" WHEN (NEW.external_reference IS NOT NULL) {_USE}"
    ),
    (
        "used_reference BEFORE UPDATE OF external_reference ON withdrawals FOR EACH ROW"
        f" WHEN (OLD.external_reference IS NULL AND {_CHANGED}) {_USE}"
    ),
    (
        "paid_once BEFORE UPDATE OF external_reference ON withdrawals FOR EACH ROW"
        f" WHEN (OLD.external_reference IS NOT NULL AND {_CHANGED})"
        " EXECUTE FUNCTION refuse_frozen()"
    ),
)

REASONS = ("ledger invariant violated", "created stopped", "sandbox first start")


def _replace_reasons(old: str, new: str) -> None:
    """Replace the character `old` by `new` in the stored reasons that the product itself writes."""
    reasons = ", ".join(f"'{reason.replace(' ', old)}'" for reason in REASONS)
    for table in ("kill_switches", "switch_stops"):
        op.execute(
            f"UPDATE {table} SET reason = replace(reason, '{old}', '{new}')"  # noqa: S608 - above
            f" WHERE reason IN ({reasons})"
        )


def upgrade() -> None:
    """Add the used references, their triggers, the newest transaction, and codes of reasons."""
    online.run(revision, (_change_schema, _use_known_references))


def _change_schema() -> None:
    op.create_table(
        "external_references",
        sa.Column("external_reference", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("external_reference", name=op.f("pk_external_references")),
    )
    functions.create("use_external_reference", revision)
    op.execute("GRANT SELECT ON external_references TO adtech_bot, adtech_clock, adtech_reports")
    op.add_column("star_list_positions", sa.Column("newest", sa.Text(), nullable=True))
    op.execute("GRANT UPDATE (newest) ON star_list_positions TO adtech_clock")
    functions.create("open_incident", revision)
    _replace_reasons(" ", "_")


def _use_known_references() -> None:
    """Store the references of old rows, and let triggers store those of new ones.

    The first pass reads all rows, while nobody waits. The second pass, behind the triggers' locks,
    reads only what was written meanwhile.
    """
    since = op.get_bind().execute(sa.text("SELECT ledger_horizon()")).scalar_one()
    _store_references(0)
    online.commit()
    for trigger in TRIGGERS:
        op.execute(f"CREATE OR REPLACE TRIGGER {trigger}")
    _store_references(since)


def _store_references(since: int) -> None:
    op.get_bind().execute(
        sa.text("""
            INSERT INTO external_references (external_reference)
            SELECT external_reference FROM withdrawals
            WHERE txn >= :since AND external_reference IS NOT NULL
            UNION SELECT external_reference FROM excess_payments
            ON CONFLICT DO NOTHING
        """),
        {"since": since},
    )


def downgrade() -> None:
    """Remove the references, their triggers, the column and the codes."""
    _replace_reasons("_", " ")
    functions.create("open_incident", down_revision)
    op.drop_column("star_list_positions", "newest")
    for trigger, table in (
        ("paid_once", "withdrawals"),
        ("used_reference", "withdrawals"),
        ("uses_reference", "withdrawals"),
        ("uses_reference", "excess_payments"),
    ):
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    op.drop_table("external_references")
    op.execute("DROP FUNCTION use_external_reference()")
