"""Count what an ad brings: tracked links, clicks by day, and the clicks of each channel.

Before, an advertiser learned after the payout only that the post had stayed.

The database role adtech_redirect must exist before this migration (`docs/deploy.md`).
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

LINKS, DAYS, HASHES = "tracked_links", "click_days", "click_hashes"
SALTS, CHANNELS = "click_salts", "channel_clicks"
# If the login is missing, this statement fails with a clear error.
REQUIRE_ROLE = """
    DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'adtech_redirect') THEN
            RAISE EXCEPTION 'the role adtech_redirect must exist, see docs/deploy.md';
        END IF;
    END $$
"""
NEW_FUNCTIONS = (
    *("ad_addresses", "with_addresses", "plain_ad", "tracked_ad", "open_links"),
    *("click_salt", "record_clicks", "purge_clicks", "count_channel_clicks"),
)
REPLACED = ("role_name", "end_sessions", "guard_version", "change_placement")


def upgrade() -> None:
    """Create the tables, then the columns with their functions, then the index."""
    online.run(revision, (_create_tables, _extend_placements, _create_index))


def _create_tables() -> None:
    time = sa.DateTime(timezone=True)
    number = sa.BigInteger()
    op.execute(REQUIRE_ROLE)
    op.create_table(
        LINKS,
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("campaign_target_id", number, nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("works_until", time, nullable=True),
        sa.Column("changed_at", time, nullable=True),
        sa.Column("created_at", time, server_default=sa.text("clock()"), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f(f"pk_{LINKS}")),
        sa.ForeignKeyConstraint(
            ["campaign_target_id"],
            ["campaign_targets.id"],
            name=op.f(f"fk_{LINKS}_campaign_target_id"),
            deferrable=True,
            initially="DEFERRED",
        ),
    )
    op.create_index(f"ix_{LINKS}_campaign_target_id", LINKS, ["campaign_target_id"])
    op.create_index(
        f"ix_{LINKS}_changed_at",
        LINKS,
        ["changed_at", "token"],
        postgresql_where=sa.text("changed_at IS NOT NULL"),
    )
    op.create_table(
        DAYS,
        sa.Column("campaign_target_id", number, autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *(
            sa.Column(name, number, server_default=sa.text("0"), nullable=False)
            for name in ("clicks", "repeats", "bots")
        ),
        sa.PrimaryKeyConstraint("campaign_target_id", "day", name=op.f(f"pk_{DAYS}")),
        sa.ForeignKeyConstraint(
            ["campaign_target_id"],
            ["campaign_targets.id"],
            name=op.f(f"fk_{DAYS}_campaign_target_id"),
        ),
    )
    op.create_index(f"ix_{DAYS}_day", DAYS, ["day", "campaign_target_id"])
    op.create_table(
        HASHES,
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("campaign_target_id", number, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day", "campaign_target_id", "hash", name=op.f(f"pk_{HASHES}")),
    )
    op.create_table(
        SALTS,
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f(f"pk_{SALTS}")),
    )
    op.create_table(
        CHANNELS,
        sa.Column("channel_id", number, autoincrement=False, nullable=False),
        sa.Column("measured_ads", number, nullable=False),
        sa.Column("median_clicks", number, nullable=False),
        sa.Column("price_per_click", number, nullable=True),
        sa.Column("counted_at", time, nullable=False),
        sa.PrimaryKeyConstraint("channel_id", name=op.f(f"pk_{CHANNELS}")),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f(f"fk_{CHANNELS}_channel_id")
        ),
    )
    op.create_index(
        f"ix_{CHANNELS}_price_per_click",
        CHANNELS,
        ["price_per_click", "channel_id"],
        postgresql_where=sa.text("price_per_click IS NOT NULL"),
    )
    _guard_links()
    _grant()


def _guard_links() -> None:
    differs = " OR ".join(
        f"old.{name} IS DISTINCT FROM new.{name}"
        for name in ("token", "campaign_target_id", "base", "url")
    )
    op.execute(
        f"CREATE TRIGGER frozen BEFORE UPDATE ON {LINKS} FOR EACH ROW"
        f" WHEN ({differs}) EXECUTE FUNCTION refuse_frozen()"
    )
    op.execute(
        f"CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON {LINKS} FOR EACH STATEMENT"
        " EXECUTE FUNCTION refuse_change()"
    )


def _grant() -> None:
    functions.create("role_name", revision)
    for name in NEW_FUNCTIONS:
        functions.create(name, revision)
    op.execute(
        f"GRANT SELECT ON {LINKS}, {DAYS}, {CHANNELS} TO adtech_bot, adtech_clock, adtech_reports"
    )
    op.execute("GRANT EXECUTE ON FUNCTION purge_clicks, count_channel_clicks TO adtech_clock")
    columns = "token, campaign_target_id, url, works_until, changed_at"
    op.execute(f"GRANT SELECT ({columns}) ON {LINKS} TO adtech_redirect")
    op.execute("GRANT SELECT ON clock_shift TO adtech_redirect")
    op.execute("GRANT EXECUTE ON FUNCTION clock, click_salt, record_clicks TO adtech_redirect")


def _extend_placements() -> None:
    op.add_column("campaigns", sa.Column("link_base", sa.Text(), nullable=True))
    op.add_column("campaign_targets", sa.Column("link_base", sa.Text(), nullable=True))
    op.execute("GRANT UPDATE (link_base) ON campaigns TO adtech_bot")
    for name in REPLACED[1:]:
        functions.create(name, revision)
    op.execute(
        "CREATE TRIGGER frozen_links BEFORE UPDATE OF link_base ON campaign_targets FOR EACH ROW"
        " WHEN (old.link_base IS DISTINCT FROM new.link_base) EXECUTE FUNCTION refuse_frozen()"
    )
    op.execute(
        "CREATE TRIGGER links_open AFTER UPDATE OF status ON campaign_targets FOR EACH ROW"
        " WHEN (new.link_base IS NOT NULL AND old.status::text <> new.status::text"
        " AND new.status::text IN ('approved', 'posted', 'refunded'))"
        " EXECUTE FUNCTION open_links()"
    )


def _create_index() -> None:
    online.create_index(
        "ix_campaign_targets_tracked",
        "campaign_targets",
        ["channel_id"],
        where="link_base IS NOT NULL",
    )


def downgrade() -> None:
    """Remove the index, the triggers, the columns, the tables and the functions."""
    op.drop_index("ix_campaign_targets_tracked", "campaign_targets")
    op.execute("DROP TRIGGER links_open ON campaign_targets")
    op.execute("DROP TRIGGER frozen_links ON campaign_targets")
    for name in REPLACED:
        functions.create(name, down_revision)
    op.drop_column("campaign_targets", "link_base")
    op.drop_column("campaigns", "link_base")
    for signature in (
        "count_channel_clicks()",
        "purge_clicks(integer)",
        "record_clicks(bigint[], date[], bytea[], bigint[])",
        "click_salt(date, bytea)",
        "open_links()",
        "tracked_ad(jsonb, bigint, text)",
        "plain_ad(jsonb, bigint)",
        "with_addresses(jsonb, jsonb)",
        "ad_addresses(jsonb)",
    ):
        op.execute(f"DROP FUNCTION {signature}")
    for table in (CHANNELS, SALTS, HASHES, DAYS, LINKS):
        op.drop_table(table)
    op.execute("REVOKE SELECT ON clock_shift FROM adtech_redirect")
    op.execute("REVOKE EXECUTE ON FUNCTION clock FROM adtech_redirect")
