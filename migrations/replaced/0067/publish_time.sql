-- Returns when a placement's post is to be published: `publish_at`, which its advertiser chose, or the time that
-- is kept for it. Null if it has neither.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION publish_time(target_id bigint, publish_at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT coalesce(publish_at, (
        SELECT kept.kept_from FROM kept_times kept
        WHERE kept.campaign_target_id = target_id AND kept.freed_at IS NULL))
$$
