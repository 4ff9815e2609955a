"""Let the staff watch words in ads, and show who is reading a placement's card."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

WORDS, READERS = "watched_words", "card_readers"
LOGINS = "adtech_bot, adtech_clock"


def upgrade() -> None:
    """Create the tables."""
    correlation_id = "nullif(current_setting('adtech.correlation_id', true), '')"
    op.create_table(
        WORDS,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("added_by", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.Column(
            "correlation_id", sa.Text(), server_default=sa.text(correlation_id), nullable=True
        ),
        sa.CheckConstraint("char_length(word) BETWEEN 1 AND 64", name=op.f(f"ck_{WORDS}_word")),
        sa.ForeignKeyConstraint(["added_by"], ["users.id"], name=op.f(f"fk_{WORDS}_added_by")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{WORDS}")),
        sa.UniqueConstraint("word", name=op.f(f"uq_{WORDS}_word")),
    )
    op.create_table(
        READERS,
        sa.Column("campaign_target_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "until",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["campaign_target_id"],
            ["campaign_targets.id"],
            name=op.f(f"fk_{READERS}_campaign_target_id"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f(f"fk_{READERS}_user_id")),
        sa.PrimaryKeyConstraint("campaign_target_id", name=op.f(f"pk_{READERS}")),
    )
    op.execute(f"GRANT SELECT ON {WORDS}, {READERS} TO {LOGINS}")
    op.execute(f"GRANT INSERT, DELETE ON {WORDS} TO adtech_bot")
    op.execute(f"GRANT INSERT, UPDATE ON {READERS} TO adtech_bot")


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table(READERS)
    op.drop_table(WORDS)
