GRANT UPDATE (was_paused) ON channels TO adtech_app
--;
-- Whoever settles an escrow has its job locked already, as `lock_placement` does.
CREATE FUNCTION settle_job() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE post_jobs SET settled = NEW.status <> 'held'
    WHERE campaign_target_id = NEW.campaign_target_id;
    RETURN NULL;
END $$
--;
CREATE TRIGGER settles_job AFTER UPDATE OF status ON escrows
FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION settle_job()
--;
REVOKE EXECUTE ON FUNCTION settle_job() FROM PUBLIC
--;
-- Nothing that the checks compare changes, so no row is to be checked anew.
ALTER TABLE post_jobs DISABLE TRIGGER stamped
--;
UPDATE post_jobs j SET settled = true
FROM escrows e WHERE e.campaign_target_id = j.campaign_target_id AND e.status <> 'held'
--;
ALTER TABLE post_jobs ENABLE TRIGGER stamped
