-- Trigger `checked_by` of post_checks: the scheduler's login records what it found. Another login records
-- only that a check was missed ("unknown", which never moves money), or that an admin has seen the post.
-- This admin has pressed "pay the owner", in an update that is being handled, and the evidence says that it
-- was an admin. If no check of the bot since the publication has seen the post unchanged, two admins decide: this admin has
-- written `/payowner` with a reason, and another admin has stated within 72 hours, after the end of the
-- promised hours, that the post has this message id.
-- Locks: nothing. Raises: AD075.
CREATE OR REPLACE FUNCTION guard_check() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    by_admin CONSTANT text := 'an admin has seen it';
    job post_jobs;
BEGIN
    IF NEW.verdict = 'unknown' OR pg_has_role(session_user, role_name('clock'), 'MEMBER') THEN
        RETURN NEW;
    END IF;
    SELECT * INTO job FROM post_jobs WHERE id = NEW.post_job_id;
    IF NEW.verdict = 'present' AND NEW.evidence = by_admin AND (
        EXISTS (SELECT FROM deciding_admins(job, '{release,payowner}'))
        AND EXISTS (
            SELECT FROM post_checks seen WHERE seen.post_job_id = job.id
                AND seen.verdict IN ('present', 'stayed') AND seen.compared
                AND seen.checked_at >= job.sent_at AND seen.evidence <> by_admin)
        OR EXISTS (
            SELECT FROM deciding_admins(job, '{payowner}') AS second_id
            JOIN publication_statements stated ON stated.stated_by <> second_id
            JOIN escrows escrow ON escrow.campaign_target_id = job.campaign_target_id
            JOIN users person ON person.id = stated.stated_by AND NOT person.blocked
            JOIN user_roles granted ON granted.user_id = person.id
                AND granted.role IN ('admin', 'super_admin')
            WHERE stated.post_job_id = job.id
                AND (stated.claim_no, stated.message_id) = (job.claim_no, job.message_id)
                AND stated.created_at > clock() - interval '72 hours'
                AND stated.created_at > escrow.release_due_at)
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a check that neither the scheduler nor an admin has made'
    USING ERRCODE = 'AD075';
END $$
