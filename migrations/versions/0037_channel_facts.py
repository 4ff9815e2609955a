"""Store what Telegram says about a channel, and who has asked its creator to connect it.

Before, the title, the name and the number of subscribers were read once, when the channel was connected.
An auto-delete timer that is shorter than the promised time of a post was not noticed. An administrator who
is not the creator could not begin the connection.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import online

revision = "0037"
down_revision = "0033"
branch_labels = None
depends_on = None

SERIES, REQUESTS = "channel_subscribers", "connection_requests"
PAST = "'1970-01-01 00:00:00+00'::timestamp with time zone"
"""The default of `facts_due_at`. It is constant, so that the table is not rewritten."""
OF_CLOCK = (
    *("title", "username", "subscribers", "description", "photo_id", "auto_delete_seconds"),
    *("protected", "bot_rights", "facts_at", "facts_due_at"),
)
OF_BOT = ("auto_delete_seconds", "facts_due_at")
"""The columns that each login writes. The bot's login could write the first three before."""


def upgrade() -> None:
    """Create the tables, then the columns and the index of channels."""
    online.run(revision, (_create_tables, _extend_channels, _create_index))


def _create_tables() -> None:
    _create_series()
    _create_requests()


def _create_series() -> None:
    op.create_table(
        SERIES,
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel_id", "day", name=op.f(f"pk_{SERIES}")),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f(f"fk_{SERIES}_channel_id")
        ),
    )
    op.execute(f"GRANT SELECT ON {SERIES} TO adtech_bot, adtech_clock, adtech_reports")
    op.execute(f"GRANT INSERT, UPDATE (count) ON {SERIES} TO adtech_clock")


def _create_requests() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        REQUESTS,
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("started_by", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", time, server_default=sa.text("clock() + '7 days'"), nullable=False),
        sa.Column("ended_at", time, nullable=True),
        sa.Column("created_at", time, server_default=sa.text("clock()"), nullable=False),
        sa.Column(
            "correlation_id",
            sa.Text(),
            server_default=sa.text("nullif(current_setting('adtech.correlation_id', true), '')"),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("chat_id", "started_by", name=op.f(f"pk_{REQUESTS}")),
        sa.UniqueConstraint("token_hash", name=op.f(f"uq_{REQUESTS}_token_hash")),
        sa.ForeignKeyConstraint(
            ["started_by"], ["users.id"], name=op.f(f"fk_{REQUESTS}_started_by")
        ),
    )
    inserted = "chat_id, started_by, title, token_hash"
    changed = "title, token_hash, expires_at, ended_at, created_at"
    op.execute(f"GRANT SELECT, INSERT ({inserted}), UPDATE ({changed}) ON {REQUESTS} TO adtech_bot")
    columns = "chat_id, started_by, title, expires_at, ended_at, created_at, correlation_id"
    op.execute(f"GRANT SELECT ({columns}) ON {REQUESTS} TO adtech_reports")


def _extend_channels() -> None:
    time = sa.DateTime(timezone=True)
    for column in (
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("photo_id", sa.Text(), nullable=True),
        sa.Column("auto_delete_seconds", sa.BigInteger(), nullable=True),
        sa.Column("protected", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("bot_rights", JSONB(), nullable=True),
        sa.Column("facts_at", time, nullable=True),
        sa.Column("facts_due_at", time, server_default=sa.text(PAST), nullable=False),
    ):
        op.add_column("channels", column)
    op.execute(f"GRANT UPDATE ({', '.join(OF_CLOCK)}) ON channels TO adtech_clock")
    op.execute(f"GRANT UPDATE ({', '.join(OF_BOT)}) ON channels TO adtech_bot")


def _create_index() -> None:
    online.create_index(
        "ix_channels_facts_due_at", "channels", ["facts_due_at"], where="status <> 'removed'"
    )


def downgrade() -> None:
    """Remove the index, the columns and the tables."""
    op.drop_index("ix_channels_facts_due_at", "channels")
    op.execute("REVOKE UPDATE (title, username, subscribers) ON channels FROM adtech_clock")
    for name in reversed(OF_CLOCK[3:]):
        op.drop_column("channels", name)
    op.drop_table(REQUESTS)
    op.drop_table(SERIES)
