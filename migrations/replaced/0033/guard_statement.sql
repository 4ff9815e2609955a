-- Trigger `stated_by_press` of publication_statements: an admin states which message is the post of a job, in an
-- update that is being handled. While it is unknown whether the post is out, the admin has written `/there` or
-- has pressed the button of the statement. Afterwards, the admin has decided that the owner is paid. The time
-- of the statement is the database's own. A session that may write updates itself is not asked, because it
-- could invent the press.
-- Locks: nothing. Raises: AD084.
CREATE OR REPLACE FUNCTION guard_statement() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    job post_jobs;
BEGIN
    NEW.created_at := clock();
    IF pg_has_role(session_user, role_name('intake'), 'MEMBER')
        OR pg_has_role(session_user, current_user, 'MEMBER')
    THEN
        RETURN NEW;
    END IF;
    SELECT * INTO job FROM post_jobs WHERE id = NEW.post_job_id;
    IF job.status = 'success'
        AND NEW.stated_by IN (SELECT deciding_admins(job, '{release,payowner}'))
        OR job.status = 'uncertain' AND EXISTS (
            SELECT FROM inbox stored JOIN user_roles granted ON granted.user_id = NEW.stated_by
            WHERE stored.done_at IS NULL AND stored.failed_at IS NULL
                AND granted.role IN ('admin', 'super_admin')
                AND words_in_update(stored.id, NEW.stated_by) ~ format(
                    '^(\s*/there(@\w+)?\s+#?0*%s\s+(\S*/)?0*%s/?(\?\S*)?\s*|seen_sure:%s:%s:%s)$',
                    job.campaign_target_id, NEW.message_id,
                    job.campaign_target_id, NEW.claim_no, NEW.message_id))
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a statement that no admin has pressed or written' USING ERRCODE = 'AD084';
END $$
