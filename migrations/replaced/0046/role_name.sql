-- Returns the name of the database role that has a job in this installation: `owner`, `app`, `intake`, `bot`,
-- `clock` or `reports`. The migration writes the names that DATABASE_ROLES says. One name for all jobs means
-- that one login does everything.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION role_name(job text) RETURNS name
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE job
        WHEN 'owner' THEN 'adtech_owner'
        WHEN 'app' THEN 'adtech_app'
        WHEN 'intake' THEN 'adtech_intake'
        WHEN 'bot' THEN 'adtech_bot'
        WHEN 'clock' THEN 'adtech_clock'
        WHEN 'reports' THEN 'adtech_reports'
    END
$$
