-- Trigger `checked_by` of post_checks: the scheduler's login records what it found. Another login records
-- only that a check was missed ("unknown", which never moves money), or that an admin has seen the post.
-- This admin has pressed "pay the owner", in an update that is being handled.
-- Locks: nothing. Raises: AD075.
CREATE OR REPLACE FUNCTION guard_check() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    job post_jobs;
BEGIN
    IF NEW.verdict = 'unknown' OR pg_has_role(session_user, role_name('clock'), 'MEMBER') THEN
        RETURN NEW;
    END IF;
    SELECT * INTO job FROM post_jobs WHERE id = NEW.post_job_id;
    IF NEW.verdict = 'present' AND has_decided(job, '{release}') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a check that neither the scheduler nor an admin has made'
    USING ERRCODE = 'AD075';
END $$
