"""Store what Telegram says about a channel, who asks its creator to connect it, and its managers.

Before, the title, the name and the number of subscribers were read once, when the channel was connected.
An auto-delete timer that is shorter than the promised time of a post was not noticed. An administrator who
is not the creator could not begin the connection. And an owner who was not the creator any more was paid without a question.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import functions, online

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

SERIES, REQUESTS = "channel_subscribers", "connection_requests"
MANAGERS, WAITS = "channel_managers", "payout_waits"
PAST = "'1970-01-01 00:00:00+00'::timestamp with time zone"
"""The default of `facts_due_at`. It is constant, so that the table is not rewritten."""
OF_CLOCK = (
    *("title", "username", "subscribers", "description", "photo_id", "auto_delete_seconds"),
    *("protected", "bot_rights", "facts_at", "facts_due_at"),
)
OF_BOT = ("auto_delete_seconds", "facts_due_at")
"""The columns that each login writes. The bot's login could write the first three before."""


def upgrade() -> None:
    """Create the tables, then the columns, functions and the index."""
    online.run(revision, (_create_tables, _extend_channels, _extend_placements, _create_index))


def _create_tables() -> None:
    _create_series()
    _create_requests()
    _create_managers()
    _create_waits()


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
        _correlation_id(),
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


def _create_managers() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        MANAGERS,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("named_at", time, server_default=sa.text("clock()"), nullable=False),
        sa.Column("ended_at", time, nullable=True),
        _correlation_id(),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{MANAGERS}")),
        *_foreign_keys(MANAGERS, channel_id="channels", owner_id="users", user_id="users"),
    )
    active = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_channel_managers_active",
        MANAGERS,
        ["channel_id", "owner_id", "user_id"],
        unique=True,
        postgresql_where=active,
    )
    op.create_index("ix_channel_managers_user_id", MANAGERS, ["user_id"], postgresql_where=active)
    _freeze(MANAGERS, ("channel_id", "owner_id", "user_id", "named_at"))
    op.execute(f"GRANT SELECT ON {MANAGERS} TO adtech_bot, adtech_clock, adtech_reports")
    op.execute(f"GRANT UPDATE (ended_at) ON {MANAGERS} TO adtech_bot, adtech_clock")
    functions.create("name_manager", revision)
    op.execute("GRANT EXECUTE ON FUNCTION name_manager TO adtech_bot")


def _create_waits() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        WAITS,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("began_at", time, server_default=sa.text("clock()"), nullable=False),
        sa.Column("ended_at", time, nullable=True),
        sa.Column("ended_by", sa.BigInteger(), nullable=True),
        _correlation_id(),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{WAITS}")),
        *_foreign_keys(WAITS, channel_id="channels", owner_id="users", ended_by="users"),
    )
    op.create_index(
        "uq_payout_waits_open",
        WAITS,
        ["channel_id", "owner_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    _freeze(WAITS, ("channel_id", "owner_id", "began_at"))
    op.execute(f"GRANT SELECT ON {WAITS} TO adtech_bot, adtech_clock, adtech_reports")
    op.execute(f"GRANT INSERT (channel_id, owner_id), UPDATE (ended_at) ON {WAITS} TO adtech_clock")
    functions.create("end_payout_wait", revision)
    op.execute("GRANT EXECUTE ON FUNCTION end_payout_wait TO adtech_bot")


def _correlation_id() -> sa.Column[object]:
    default = sa.text("nullif(current_setting('adtech.correlation_id', true), '')")
    return sa.Column("correlation_id", sa.Text(), server_default=default, nullable=True)


def _foreign_keys(table: str, **columns: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([column], [f"{referred}.id"], name=op.f(f"fk_{table}_{column}"))
        for column, referred in columns.items()
    ]


def _freeze(table: str, columns: tuple[str, ...]) -> None:
    """Let an ended row never change, and these columns of an open one neither."""
    differs = " OR ".join(f"old.{column} IS DISTINCT FROM new.{column}" for column in columns)
    op.execute(
        f"CREATE TRIGGER frozen BEFORE UPDATE ON {table} FOR EACH ROW"
        f" WHEN (old.ended_at IS NOT NULL OR {differs}) EXECUTE FUNCTION refuse_frozen()"
    )
    op.execute(
        f"CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT"
        " EXECUTE FUNCTION refuse_change()"
    )


def _extend_placements() -> None:
    functions.create("answer_placement", revision)
    functions.create("require_other_answerer", revision)
    functions.create("require_no_payout_wait", revision)
    op.execute(
        "CREATE TRIGGER nobody_waits BEFORE UPDATE OF status ON escrows FOR EACH ROW"
        " WHEN (new.status::text = 'released'::text) EXECUTE FUNCTION require_no_payout_wait()"
    )
    op.execute(
        "CREATE TRIGGER approved_by_other BEFORE UPDATE OF status ON campaign_targets FOR EACH ROW"
        " WHEN (old.status::text = 'pending'::text AND new.status::text = 'approved'::text)"
        " EXECUTE FUNCTION require_other_answerer()"
    )


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
    """Remove the index, the columns, the functions and the tables."""
    op.execute("DROP TRIGGER nobody_waits ON escrows")
    op.execute("DROP FUNCTION require_no_payout_wait()")
    op.execute("DROP FUNCTION end_payout_wait(bigint, bigint, text)")
    op.execute("DROP TRIGGER approved_by_other ON campaign_targets")
    op.execute("DROP FUNCTION require_other_answerer()")
    functions.create("answer_placement", down_revision)
    op.execute("DROP FUNCTION name_manager(bigint, bigint, bigint, text)")
    op.drop_index("ix_channels_facts_due_at", "channels")
    op.execute("REVOKE UPDATE (title, username, subscribers) ON channels FROM adtech_clock")
    for name in reversed(OF_CLOCK[3:]):
        op.drop_column("channels", name)
    op.drop_table(WAITS)
    op.drop_table(MANAGERS)
    op.drop_table(REQUESTS)
    op.drop_table(SERIES)
