-- Trigger `settles_job`: keeps the column `settled` of a target's post job equal to whether its
-- escrow is settled, so that the scheduler's indexes leave out what has ended.
-- Locks: the target's post job. Whoever settles an escrow has it locked already, as
-- `lock_placement` does. Raises: nothing.
CREATE OR REPLACE FUNCTION mark_job_settled() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE post_jobs SET settled = NEW.status <> 'held'
    WHERE campaign_target_id = NEW.campaign_target_id;
    RETURN NULL;
END $$
