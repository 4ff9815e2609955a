-- Trigger `plans_removal` of escrows: a post whose format says so is taken down after its owner was paid. So it
-- stayed for its promised hours, and no breach is open.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION plan_removal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO removals (post_job_id)
    SELECT job.id
    FROM post_jobs job JOIN campaign_targets target ON target.id = job.campaign_target_id
    WHERE target.id = NEW.campaign_target_id AND target.ending = 'removed' AND job.status = 'success'
    ON CONFLICT (post_job_id) DO NOTHING;
    RETURN NULL;
END $$
