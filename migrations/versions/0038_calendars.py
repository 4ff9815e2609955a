"""Keep the times of a channel's ads apart, by the calendar of the channel.

Before, two ads of one channel could have the same time, and the second one covered the first. A channel
without a row in `channel_calendars` still keeps no times.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from migrations import functions, online

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

CALENDARS, TIMES = "channel_calendars", "kept_times"
READERS = "adtech_bot, adtech_clock, adtech_reports"
ADDED = (
    ("taken_until", "channel_calendars, timestamptz, interval", "adtech_bot"),
    ("time_problem", "channel_calendars, timestamptz, interval", "adtech_bot"),
    ("free_times", "bigint, timestamptz, timestamptz, integer, interval, interval", "adtech_bot"),
    ("check_time", "bigint, timestamptz, interval", "adtech_bot"),
    ("publish_time", "bigint, timestamptz", READERS),
    ("store_kept_time", "bigint, bigint, timestamptz", None),
    ("keep_time", "", None),
    ("keep_next_time", "", None),
    ("keep_planned_times", "", None),
    ("free_time", "", None),
    ("space_next_ad", "", None),
)
"""The new functions: name, arguments, and the logins that may call them."""
TRIGGERS = (
    (
        "campaign_targets",
        "time_kept",
        (
            "AFTER INSERT ON campaign_targets FOR EACH ROW WHEN (new.publish_at IS NOT NULL)"
            " EXECUTE FUNCTION keep_time()"
        ),
    ),
    (
        "campaign_targets",
        "time_moved",
        (
            "AFTER UPDATE OF publish_at, hours_on_top ON campaign_targets FOR EACH ROW"
            " WHEN (old.publish_at IS DISTINCT FROM new.publish_at"
            " OR old.hours_on_top <> new.hours_on_top) EXECUTE FUNCTION keep_time()"
        ),
    ),
    (
        "campaign_targets",
        "time_freed",
        (
            "AFTER UPDATE OF status ON campaign_targets FOR EACH ROW WHEN (old.status <> new.status"
            " AND new.status IN ('rejected', 'withdrawn', 'expired', 'refunded'))"
            " EXECUTE FUNCTION free_time()"
        ),
    ),
    (
        "post_jobs",
        "next_time_kept",
        "BEFORE INSERT ON post_jobs FOR EACH ROW EXECUTE FUNCTION keep_next_time()",
    ),
    (
        "post_jobs",
        "next_ad_spaced",
        (
            "AFTER UPDATE OF status ON post_jobs FOR EACH ROW"
            " WHEN (old.status <> 'success' AND new.status = 'success')"
            " EXECUTE FUNCTION space_next_ad()"
        ),
    ),
)


def upgrade() -> None:
    """Create the tables, then the functions and triggers."""
    online.run(revision, (_create_tables, _create_triggers))


def _create_tables() -> None:
    op.create_table(
        CALENDARS,
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("opens_at", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("closes_at", sa.SmallInteger(), server_default=sa.text("1440"), nullable=False),
        sa.Column(
            "weekdays",
            ARRAY(sa.SmallInteger()),
            server_default=sa.text("'{1,2,3,4,5,6,7}'"),
            nullable=False,
        ),
        sa.Column("gap", sa.Interval(), server_default=sa.text("'01:00:00'"), nullable=False),
        sa.Column("ads_a_day", sa.BigInteger(), nullable=True),
        sa.Column("days_off", ARRAY(sa.Date()), server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("channel_id", name=op.f(f"pk_{CALENDARS}")),
        _foreign_key(CALENDARS, "channel_id", "channels"),
        sa.CheckConstraint(
            "opens_at >= 0 AND opens_at < closes_at AND closes_at <= 1440",
            name=op.f(f"ck_{CALENDARS}_hours"),
        ),
        sa.CheckConstraint(
            "weekdays <@ '{1,2,3,4,5,6,7}' AND cardinality(weekdays) > 0",
            name=op.f(f"ck_{CALENDARS}_weekdays"),
        ),
        sa.CheckConstraint(
            "gap BETWEEN '1 second' AND '24:00:00'", name=op.f(f"ck_{CALENDARS}_gap")
        ),
        sa.CheckConstraint("ads_a_day >= 1", name=op.f(f"ck_{CALENDARS}_ads_a_day")),
    )
    op.create_table(
        TIMES,
        sa.Column("campaign_target_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("kept_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kept_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("freed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("campaign_target_id", name=op.f(f"pk_{TIMES}")),
        _foreign_key(TIMES, "campaign_target_id", "campaign_targets"),
        _foreign_key(TIMES, "channel_id", "channels"),
        sa.CheckConstraint(
            "kept_until - kept_from BETWEEN '1 second' AND '72:00:00'",
            name=op.f(f"ck_{TIMES}_kept_until"),
        ),
    )
    op.execute(
        f"ALTER TABLE {TIMES} ADD CONSTRAINT no_two_ads_at_once EXCLUDE USING gist"
        " (int8range(channel_id, channel_id, '[]') WITH &&, tstzrange(kept_from, kept_until) WITH &&)"
        " WHERE (freed_at IS NULL)"
    )
    op.create_index(
        f"ix_{TIMES}_channel_id_kept_from",
        TIMES,
        ["channel_id", "kept_from"],
        postgresql_where=sa.text("freed_at IS NULL"),
    )
    op.execute(f"GRANT SELECT ON {CALENDARS}, {TIMES} TO {READERS}")
    op.execute(f"GRANT INSERT, UPDATE ON {CALENDARS} TO adtech_bot")


def _foreign_key(table: str, column: str, referred: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{referred}.id"], name=op.f(f"fk_{table}_{column}"))


def _create_triggers() -> None:
    op.add_column(
        "channels", sa.Column("ads_wait_until", sa.DateTime(timezone=True), nullable=True)
    )
    for name, _, receivers in ADDED:
        functions.create(name, revision)
        if receivers:
            op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO {receivers}")
    for _, name, text in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {text}")
    op.execute(
        f"CREATE TRIGGER planned_times_kept AFTER INSERT ON {CALENDARS} FOR EACH ROW"
        " EXECUTE FUNCTION keep_planned_times()"
    )


def downgrade() -> None:
    """Remove the triggers, tables and functions."""
    for table, name, _ in TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON {table}")
    op.drop_column("channels", "ads_wait_until")
    op.drop_table(TIMES)
    op.execute(f"DROP TRIGGER planned_times_kept ON {CALENDARS}")
    for name, arguments, _ in reversed(ADDED):
        op.execute(f"DROP FUNCTION {name}({arguments})")
    op.drop_table(CALENDARS)
