-- Trigger `decided_by_admin` of post_jobs: the scheduler's login says what became of a post whose outcome is
-- unknown, and that a published post is gone. Another login says so only with the decision of an admin that is
-- being handled: the post is out (with the message that the admin states), it is not out, or the advertiser
-- gets the money back. A session that may write updates itself is not asked, because it could invent the
-- press.
-- Locks: nothing. Raises: AD085.
CREATE OR REPLACE FUNCTION guard_post_decision() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF pg_has_role(session_user, role_name('clock'), 'MEMBER')
        OR pg_has_role(session_user, role_name('intake'), 'MEMBER')
        OR pg_has_role(session_user, current_user, 'MEMBER')
        OR NEW.status = 'failed' AND EXISTS (SELECT FROM deciding_admins(OLD, '{refund}'))
        OR NEW.status IN ('queued', 'cancelled')
            AND EXISTS (SELECT FROM deciding_admins(OLD, '{absent_sure}'))
        OR NEW.status = 'success' AND EXISTS (SELECT FROM stating_admins(OLD, NEW.message_id))
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an admin decides about a post' USING ERRCODE = 'AD085';
END $$
