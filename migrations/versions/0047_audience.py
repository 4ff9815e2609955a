"""Count the posts of channels and the reactions to them, and store the owners' invite links.

Before, a buyer saw the number of subscribers alone, which says nothing about the people who read a channel.
"""

import sqlalchemy as sa
from alembic import op

from migrations import online

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

POSTS, COUNTS = "channel_posts", "channel_post_counts"
INVITE_LINK = r"invite_link ~ '^https://t\.me/\+[A-Za-z0-9_-]{10,64}$'"


def upgrade() -> None:
    """Create the tables, then the column, and check the column's constraint."""
    online.run(revision, (_create_tables, _add_invite_link, _validate))


def _create_tables() -> None:
    op.create_table(
        POSTS,
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("album", sa.Text(), nullable=True),
        sa.Column("reactions", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("channel_id", "message_id", name=op.f(f"pk_{POSTS}")),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f(f"fk_{POSTS}_channel_id")
        ),
    )
    op.create_index(
        "uq_channel_posts_album",
        POSTS,
        ["channel_id", "album"],
        unique=True,
        postgresql_where=sa.text("album IS NOT NULL"),
    )
    op.create_table(
        COUNTS,
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("posts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel_id", "day", name=op.f(f"pk_{COUNTS}")),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f(f"fk_{COUNTS}_channel_id")
        ),
    )
    for table, changed in ((POSTS, "reactions"), (COUNTS, "posts")):
        op.execute(f"GRANT SELECT, INSERT, UPDATE ({changed}), DELETE ON {table} TO adtech_bot")
        op.execute(f"GRANT SELECT ON {table} TO adtech_reports")


def _add_invite_link() -> None:
    op.add_column("channels", sa.Column("invite_link", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_channels_invite_link"), "channels", INVITE_LINK, postgresql_not_valid=True
    )
    op.execute("GRANT UPDATE (invite_link) ON channels TO adtech_bot")


def _validate() -> None:
    online.validate("channels", "ck_channels_invite_link")


def downgrade() -> None:
    """Remove the column and the tables."""
    op.drop_column("channels", "invite_link")
    op.drop_table(COUNTS)
    op.drop_table(POSTS)
