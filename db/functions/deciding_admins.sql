-- Returns the admins and super admins who have pressed one of these decisions about the post of a job, in an
-- update that is being handled. The decisions are those of the button's data
-- `uncertain:DECISION:TARGET:CLAIM`. A press about an earlier claim of the job does not count. The command
-- `/payowner` about the target is the decision `payowner`. A blocked admin does not count, and neither does the
-- target's advertiser or its owner, because nobody decides about their own money.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION deciding_admins(job post_jobs, decisions text[]) RETURNS SETOF bigint
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
        AND (stored.payload #>> '{callback_query,data}' IN (
            SELECT concat_ws(':', 'uncertain', decision, job.campaign_target_id, job.claim_no)
            FROM unnest(decisions) AS decision)
            OR 'payowner' = ANY (decisions) AND words_in_update(stored.id, person.id)
                ~ format('^\s*/payowner(@\w+)?\s+#?0*%s\s', job.campaign_target_id))
        AND EXISTS (SELECT FROM user_roles granted
            WHERE granted.user_id = person.id AND granted.role IN ('admin', 'super_admin'))
$$
