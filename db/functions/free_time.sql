-- Trigger `time_freed` of campaign_targets: the time that was kept for a placement is free again after the
-- placement was rejected, withdrawn, expired or refunded.
-- Locks: the kept time of the placement. Raises: nothing.
CREATE OR REPLACE FUNCTION free_time() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE kept_times SET freed_at = clock() WHERE campaign_target_id = NEW.id AND freed_at IS NULL;
    RETURN NULL;
END $$
