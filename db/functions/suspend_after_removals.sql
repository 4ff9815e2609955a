-- Suspends each channel from which its present owner has removed three posts within 30 days before their
-- promised hours were over. Returns these channels, each with the placements, the newest first. What the staff
-- have looked at (`removals_seen_at`) does not count. A channel that is not offered keeps its status. It is
-- offered again only after `offer_channel_again`, or by another owner.
-- Locks: the channels, in the order of their ids. Raises: nothing.
CREATE OR REPLACE FUNCTION suspend_after_removals(correlation_id text)
RETURNS TABLE (channel_id bigint, target_ids bigint[]) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    due record;
BEGIN
    FOR due IN
        SELECT channel.id, channel.owner_id, channel.removals_seen_at,
            array_agg(target.id ORDER BY job.updated_at DESC, target.id DESC) AS targets
        FROM post_jobs job
        JOIN campaign_targets target ON target.id = job.campaign_target_id
        JOIN channels channel ON channel.id = job.channel_id AND channel.owner_id = target.owner_id
        WHERE job.status = 'failed' AND job.updated_at > clock() - interval '30 days'
            AND job.last_error = 'removed' AND channel.removed_early_at IS NULL
            AND job.updated_at > coalesce(channel.removals_seen_at, '-infinity')
        GROUP BY channel.id HAVING count(*) >= 3 ORDER BY channel.id
    LOOP
        UPDATE channels channel SET removed_early_at = clock(),
            status = CASE WHEN channel.status IN ('active', 'paused') THEN 'suspended'
                ELSE channel.status END,
            was_paused = CASE WHEN channel.status IN ('active', 'paused')
                THEN channel.status = 'paused' ELSE channel.was_paused END,
            suspended_at = CASE WHEN channel.status IN ('active', 'paused') THEN clock()
                ELSE channel.suspended_at END,
            status_reason = CASE WHEN channel.status IN ('active', 'paused') THEN 'removed_early'
                ELSE channel.status_reason END
        WHERE channel.id = due.id AND channel.owner_id = due.owner_id
            AND channel.removed_early_at IS NULL
            AND channel.removals_seen_at IS NOT DISTINCT FROM due.removals_seen_at;
        IF FOUND THEN
            INSERT INTO user_audit_logs (action, role, metadata, correlation_id)
            VALUES ('channel_suspended', 'system', jsonb_build_object('channel_id', due.id,
                'reason', 'removed_early', 'target_ids', due.targets), correlation_id);
            channel_id := due.id;
            target_ids := due.targets;
            RETURN NEXT;
        END IF;
    END LOOP;
END $$
