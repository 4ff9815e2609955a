"""Let an ad be an album: its shape, and the ids of all its messages in a channel."""

from functools import partial

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import functions, online

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None

JOBS, IDS = "post_jobs", "other_message_ids"
ADS = ("campaigns", "campaign_targets", "placement_versions")
SHAPE = """
    CASE
    WHEN creative->>'kind' = 'album' AND jsonb_typeof(creative->'items') = 'array' THEN
        jsonb_array_length(creative->'items') BETWEEN 2 AND 10
        AND creative->>'text' = '' AND creative->>'button_url' IS NULL
        AND creative->>'file_id' IS NULL
        AND jsonb_array_length(creative->'items') IN (
            jsonb_array_length(jsonb_path_query_array(creative, '$.items[*] ? (
                (@.kind == "photo" || @.kind == "video")
                && @.file_id like_regex "^." && @.file_unique_id like_regex "^.")')),
            jsonb_array_length(jsonb_path_query_array(creative, '$.items[*] ? (
                @.kind == "document"
                && @.file_id like_regex "^." && @.file_unique_id like_regex "^.")')))
    WHEN creative->>'kind' = 'album' THEN false
    ELSE creative->'items' IS NULL END
"""
REPLACED = ("guard_post_job", "ad_addresses", "with_addresses")
ADDED = "with_linked_addresses"
INDEX = "ix_post_jobs_albums"
ALBUMS = f"{IDS} <> '{{}}'"


def upgrade() -> None:
    """Add the column and the checks of the shape, then check the rows, then create the index."""
    online.run(
        revision,
        (
            _add_ids,
            *(partial(_add_shape, table) for table in ADS),
            _validate,
            _create_index,
        ),
    )


def _add_ids() -> None:
    op.add_column(
        JOBS,
        sa.Column(IDS, postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
    )
    op.create_check_constraint(
        op.f(f"ck_{JOBS}_{IDS}"),
        JOBS,
        f"{IDS} = '{{}}' OR coalesce(message_id < ALL ({IDS}), false)",
        postgresql_not_valid=True,
    )
    op.execute(f"GRANT UPDATE ({IDS}) ON {JOBS} TO adtech_bot, adtech_clock")
    for name in (ADDED, *REPLACED):
        functions.create(name, revision)


def _add_shape(table: str) -> None:
    op.create_check_constraint(op.f(f"ck_{table}_album"), table, SHAPE, postgresql_not_valid=True)


def _validate() -> None:
    online.validate(JOBS, f"ck_{JOBS}_{IDS}")
    for table in ADS:
        online.validate(table, f"ck_{table}_album")


def _create_index() -> None:
    online.create_index(INDEX, JOBS, ["channel_id"], where=ALBUMS)


def downgrade() -> None:
    """Remove the index, the checks, the column and the function."""
    op.drop_index(INDEX, JOBS)
    for table in ADS:
        op.drop_constraint(op.f(f"ck_{table}_album"), table)
    for name in REPLACED:
        functions.create(name, down_revision)
    op.execute(f"DROP FUNCTION {ADDED}(jsonb, jsonb)")
    op.drop_constraint(op.f(f"ck_{JOBS}_{IDS}"), JOBS)
    op.drop_column(JOBS, IDS)
