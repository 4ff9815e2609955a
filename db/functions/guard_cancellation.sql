-- Trigger `cancelled_once` of campaign_targets: the time of a cancellation (`cancelled_at`) is written once, when an
-- approved placement is refunded whose post was cancelled. It never changes and never vanishes.
-- Locks: nothing. Raises: AD161.
CREATE OR REPLACE FUNCTION guard_cancellation() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF OLD.status <> 'approved' OR NEW.status <> 'refunded' OR NOT EXISTS (
        SELECT FROM post_jobs job
        WHERE job.campaign_target_id = NEW.id AND job.status = 'cancelled')
    THEN
        RAISE EXCEPTION 'a cancellation refunds an approved placement once'
        USING ERRCODE = 'AD161';
    END IF;
    RETURN NEW;
END $$
