"""Keep the channels on offer in a table of their own, with the figures by which buyers choose.

Before, the catalogue was a page of `channels` by their ids: buyers could neither filter nor sort it. The
topic was free text. It stays as it was written, and the function `known_topic` finds it in the fixed list.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from migrations import functions, online

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

LISTINGS, FAVOURITES = "listings", "favourite_channels"
LAST = 2**63 - 1
SORTS = {
    "by_price": f"coalesce(price_per_1000, {LAST})",
    "by_clicks": f"coalesce(click_price, {LAST})",
    "by_growth": f"coalesce(-growth, {LAST})",
    "by_record": "-(1000 * (kept + 1) / (kept + broken + 2))",
    "by_age": "-(EXTRACT(epoch FROM offered_at - '1970-01-01 00:00:00+00'::timestamptz)"
    " * 1000000)::bigint",
}
"""The columns by which the catalogue is sorted, and how they are computed."""
FILTERED = ["topic", "language", "price", "subscribers", "lengths"]
ADDED = (("known_topic", "text"), ("refresh_listing", "bigint"), ("keep_listing", ""))
"""The new functions, with their arguments."""
SHOWN = "title, username, topic, language, subscribers, status, owner_id, facts_at"


def upgrade() -> None:
    """Create the tables, then the triggers, and list the channels that are on offer."""
    online.run(
        revision, (_create_tables, _extend_channels, _list_formats, _create_index, _list_channels)
    )


def _create_tables() -> None:
    number = sa.BigInteger()
    time = sa.DateTime(timezone=True)
    op.create_table(
        LISTINGS,
        sa.Column("channel_id", number, autoincrement=False, nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("price", number, nullable=False),
        sa.Column("lengths", sa.SmallInteger(), nullable=False),
        sa.Column("subscribers", number, nullable=False),
        sa.Column("price_per_1000", number, nullable=True),
        sa.Column("click_price", number, nullable=True),
        sa.Column("growth", number, nullable=True),
        sa.Column("kept", number, server_default=sa.text("0"), nullable=False),
        sa.Column("broken", number, server_default=sa.text("0"), nullable=False),
        sa.Column("offered_at", time, nullable=False),
        sa.Column("words", TSVECTOR(), nullable=False),
        *(
            sa.Column(name, number, sa.Computed(expression, persisted=True), nullable=False)
            for name, expression in SORTS.items()
        ),
        sa.PrimaryKeyConstraint("channel_id", name=op.f(f"pk_{LISTINGS}")),
        _foreign_key(LISTINGS, "channel_id", "channels"),
    )
    for name in SORTS:
        op.create_index(
            f"ix_{LISTINGS}_{name}", LISTINGS, [name, "channel_id"], postgresql_include=FILTERED
        )
    for name, columns in (
        ("topic", ["topic", "language", "price"]),
        ("price", ["price", "subscribers"]),
        ("subscribers", ["subscribers", "price"]),
    ):
        op.create_index(f"ix_{LISTINGS}_{name}", LISTINGS, columns)
    op.create_index(f"ix_{LISTINGS}_words", LISTINGS, ["words"], postgresql_using="gin")
    op.create_table(
        FAVOURITES,
        sa.Column("user_id", number, autoincrement=False, nullable=False),
        sa.Column("channel_id", number, autoincrement=False, nullable=False),
        sa.Column("created_at", time, server_default=sa.text("clock()"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "channel_id", name=op.f(f"pk_{FAVOURITES}")),
        _foreign_key(FAVOURITES, "user_id", "users"),
        _foreign_key(FAVOURITES, "channel_id", "channels"),
    )
    op.execute(f"GRANT SELECT ON {LISTINGS}, {FAVOURITES} TO adtech_bot, adtech_reports")
    op.execute(f"GRANT INSERT (user_id, channel_id), DELETE ON {FAVOURITES} TO adtech_bot")


def _foreign_key(table: str, column: str, referred: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{referred}.id"], name=op.f(f"fk_{table}_{column}"))


def _extend_channels() -> None:
    op.add_column("channels", sa.Column("language", sa.Text(), nullable=True))
    op.execute("GRANT UPDATE (language) ON channels TO adtech_bot")
    for name, _ in ADDED:
        functions.create(name, revision)
    op.execute(
        f"CREATE TRIGGER channel_listed AFTER UPDATE OF {SHOWN} ON channels FOR EACH ROW"
        " WHEN (old.status = 'active' OR new.status = 'active') EXECUTE FUNCTION keep_listing()"
    )


def _list_formats() -> None:
    op.execute(
        "CREATE TRIGGER format_listed AFTER INSERT OR UPDATE OF retired_at ON channel_formats"
        " FOR EACH ROW EXECUTE FUNCTION keep_listing()"
    )


def _create_index() -> None:
    online.create_index("ix_channel_formats_channel_id", "channel_formats", ["channel_id"])


def _list_channels() -> None:
    """List the channels that are on offer. A change in the same moment lists its channel again."""
    online.update_by_id(
        "channels",
        "SELECT refresh_listing(id) FROM channels"
        " WHERE status = 'active' AND id BETWEEN :first AND :last",
    )


def downgrade() -> None:
    """Remove the triggers, the functions, the column and the tables."""
    op.execute("DROP TRIGGER format_listed ON channel_formats")
    op.execute("DROP TRIGGER channel_listed ON channels")
    for name, arguments in reversed(ADDED):
        op.execute(f"DROP FUNCTION {name}({arguments})")
    op.drop_index("ix_channel_formats_channel_id", "channel_formats")
    op.drop_column("channels", "language")
    op.drop_table(FAVOURITES)
    op.drop_table(LISTINGS)
