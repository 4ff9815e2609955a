-- Trigger `settles_job` of escrows: copies to the column `settled` of the target's post job whether the
-- escrow is settled (released or refunded). The scheduler's indexes then contain only jobs that are
-- not settled.
-- Locks: the target's post job. A transaction that settles an escrow has locked the job before
-- (`lock_placement`). Raises: nothing.
CREATE OR REPLACE FUNCTION mark_job_settled() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE post_jobs SET settled = NEW.status <> 'held'
    WHERE campaign_target_id = NEW.campaign_target_id;
    RETURN NULL;
END $$
