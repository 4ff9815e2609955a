-- Returns the admins and super admins who state, in an update that is being handled, that this message is the
-- post of a job whose outcome is unknown: they have written `/there` or have pressed the button of the
-- statement. A blocked admin does not count, and neither does the target's advertiser or its owner.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION stating_admins(job post_jobs, message_id bigint) RETURNS SETOF bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT person.id
    FROM inbox stored
    JOIN users person
        ON person.telegram_id::text = coalesce(
            stored.payload #>> '{callback_query,from,id}', stored.payload #>> '{message,from,id}')
    JOIN campaign_targets target ON target.id = job.campaign_target_id
    JOIN campaigns campaign ON campaign.id = target.campaign_id
    WHERE stored.done_at IS NULL AND stored.failed_at IS NULL AND NOT person.blocked
        AND person.id NOT IN (campaign.advertiser_id, target.owner_id)
        AND words_in_update(stored.id, person.id) ~ format(
            '^(\s*/there(@\w+)?\s+#?0*%s\s+(\S*/)?0*%s/?(\?\S*)?\s*|seen_sure:%s:%s:%s)$',
            job.campaign_target_id, message_id, job.campaign_target_id, job.claim_no, message_id)
        AND EXISTS (SELECT FROM user_roles granted
            WHERE granted.user_id = person.id AND granted.role IN ('admin', 'super_admin'))
$$
