-- Returns when a placement's post is to be published: `publish_at`, which its advertiser chose, or the time that
-- is kept for it. A removed post that its owner publishes again (`republish_post`) has a time of its own: the one
-- that is kept for it, or else that of its job. Null if it has none of them.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION publish_time(target_id bigint, publish_at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT coalesce((SELECT kept.kept_from FROM kept_times kept
            WHERE kept.campaign_target_id = again.campaign_target_id AND kept.freed_at IS NULL), again.due_at)
        FROM post_jobs again
        WHERE again.campaign_target_id = target_id AND again.removed_message_id IS NOT NULL
    ), publish_at, (
        SELECT kept.kept_from FROM kept_times kept
        WHERE kept.campaign_target_id = target_id AND kept.freed_at IS NULL))
$$
