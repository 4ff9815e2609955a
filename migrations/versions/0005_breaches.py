"""Record which parts of a post were altered, and which promise the channel's owner broke."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import online

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_VERDICTS = ("present", "altered", "gone", "unknown")
_OPEN_BREACH = "breach IS NOT NULL AND status = 'success' AND NOT settled"


def upgrade() -> None:
    """Add columns about alterations and broken promises, and the verdict "stayed"."""
    online.run(revision, (_add_columns, _check_old_rows, _create_index))


def _add_columns() -> None:
    op.add_column(
        "post_checks",
        sa.Column(
            "altered_parts",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )
    op.add_column(
        "post_checks",
        sa.Column("compared", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    _check_verdicts((*_VERDICTS, "stayed"))
    op.add_column("channels", sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("post_jobs", sa.Column("breach", sa.String(length=32), nullable=True))
    op.add_column(
        "post_jobs", sa.Column("breach_refund_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "post_jobs", sa.Column("check_began_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_check_constraint(
        op.f("ck_post_jobs_breach"),
        "post_jobs",
        "breach IN ('altered', 'locked_out')",
        postgresql_not_valid=True,
    )
    op.create_check_constraint(
        op.f("ck_post_jobs_breach_refund"),
        "post_jobs",
        "(breach IS NULL) = (breach_refund_at IS NULL)",
        postgresql_not_valid=True,
    )
    op.execute("GRANT UPDATE (suspended_at) ON channels TO adtech_app")
    op.execute("GRANT UPDATE (breach, breach_refund_at, check_began_at) ON post_jobs TO adtech_app")


def _check_old_rows() -> None:
    online.validate("post_checks", "ck_post_checks_verdict")
    online.validate("post_jobs", "ck_post_jobs_breach", "ck_post_jobs_breach_refund")


def _create_index() -> None:
    online.create_index(
        "ix_post_jobs_open_breach", "post_jobs", ["breach_refund_at"], where=_OPEN_BREACH
    )


def downgrade() -> None:
    """Remove the columns, and replace the verdict "stayed" by "unknown"."""
    op.drop_index("ix_post_jobs_open_breach", table_name="post_jobs")
    op.drop_column("post_jobs", "check_began_at")
    op.drop_column("post_jobs", "breach_refund_at")
    op.drop_column("post_jobs", "breach")
    op.drop_column("channels", "suspended_at")
    op.execute("UPDATE post_checks SET verdict = 'unknown' WHERE verdict = 'stayed'")
    _check_verdicts(_VERDICTS)
    online.validate("post_checks", "ck_post_checks_verdict")
    op.drop_column("post_checks", "compared")
    op.drop_column("post_checks", "altered_parts")


def _check_verdicts(allowed: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_post_checks_verdict"), "post_checks")
    listed = ", ".join(f"'{verdict}'" for verdict in allowed)
    op.create_check_constraint(
        op.f("ck_post_checks_verdict"),
        "post_checks",
        f"verdict IN ({listed})",
        postgresql_not_valid=True,
    )
