-- Returns whether an admin or a super admin, who is not blocked, has pressed one of these decisions about
-- the post of a job, in an update that is being handled. The decisions are those of the button's data
-- `uncertain:DECISION:TARGET:CLAIM`. A press about an earlier claim of the job does not count. The command
-- `/payowner` about the target is the decision `release`.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION has_decided(job post_jobs, decisions text[]) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM inbox stored
        JOIN users person
            ON person.telegram_id::text = coalesce(
                stored.payload #>> '{callback_query,from,id}', stored.payload #>> '{message,from,id}')
        JOIN user_roles granted ON granted.user_id = person.id
        WHERE stored.done_at IS NULL AND stored.failed_at IS NULL
            AND (stored.payload #>> '{callback_query,data}' IN (
                SELECT concat_ws(':', 'uncertain', decision, job.campaign_target_id, job.claim_no)
                FROM unnest(decisions) AS decision)
                OR 'release' = ANY (decisions) AND words_in_update(stored.id, person.id)
                    ~ format('^\s*/payowner(@\w+)?\s+#?0*%s\s', job.campaign_target_id))
            AND granted.role IN ('admin', 'super_admin') AND NOT person.blocked)
$$
