-- Trigger `breach_decided` of post_jobs: the scheduler's login records a breach (a promise that the
-- channel's owner broke). Afterwards the breach never changes, and it ends only by the decision of an admin
-- who has pressed it, in an update that is being handled.
-- Locks: nothing. Raises: AD074.
CREATE OR REPLACE FUNCTION guard_breach() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF OLD.breach IS NULL AND pg_has_role(session_user, role_name('clock'), 'MEMBER')
        OR OLD.breach IS NOT NULL AND NEW.breach IS NULL
            AND has_decided(OLD, '{release,dismiss_sure}')
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an admin decides about a breach' USING ERRCODE = 'AD074';
END $$
