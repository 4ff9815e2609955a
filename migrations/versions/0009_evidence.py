"""Let the audit chain cover the frozen terms, and freeze the rest of what people have agreed on.

Links that exist keep their digests. `adtech verify-ledger` compares them with the digest without
terms, until the first link that covers the terms. After a downgrade, the version before calls that
link broken.
"""

from alembic import op

from migrations import functions

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None

FROZEN_BEFORE = {
    "campaign_targets": (
        "campaign_id",
        "channel_id",
        "owner_id",
        "price",
        "promised_hours",
        "fee_bps",
    ),
    "campaigns": ("advertiser_id",),
}
FROZEN = {
    "campaign_targets": (*FROZEN_BEFORE["campaign_targets"], "publish_at"),
    "campaigns": ("advertiser_id", "creative", "total_budget"),
    "channels": ("chat_id",),
    "staff_requests": ("kind", "arguments", "subject_id", "reason", "requested_by"),
}
"""The columns that never change, whatever role changes them."""
REPLACED = ("extend_audit_chain",)


def upgrade() -> None:
    """Replace the functions and the triggers."""
    for name in REPLACED:
        functions.create(name, revision)
    _freeze(FROZEN)


def downgrade() -> None:
    """Restore the functions and the triggers."""
    for name in REPLACED:
        functions.create(name, down_revision)
    for table in FROZEN:
        op.execute(f"DROP TRIGGER frozen ON {table}")
    _freeze(FROZEN_BEFORE)


def _freeze(frozen: dict[str, tuple[str, ...]]) -> None:
    """Refuse every change of these columns, by table."""
    for table, columns in frozen.items():
        old, new = (", ".join(f"{row}.{name}" for name in columns) for row in ("OLD", "NEW"))
        op.execute(
            f"CREATE OR REPLACE TRIGGER frozen BEFORE UPDATE OF {', '.join(columns)} ON {table}"
            f" FOR EACH ROW WHEN (({old}) IS DISTINCT FROM ({new}))"
            " EXECUTE FUNCTION refuse_frozen()"
        )
