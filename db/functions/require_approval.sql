-- Trigger `approved` of post_jobs, at commit: a post waits to be sent only for a target that an admin has
-- approved, and whose price is held. A session that may write updates itself is not asked.
-- Locks: nothing. Raises: AD086.
CREATE OR REPLACE FUNCTION require_approval() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT (pg_has_role(session_user, role_name('intake'), 'MEMBER')
        OR pg_has_role(session_user, current_user, 'MEMBER')
        OR EXISTS (
            SELECT FROM campaign_targets target JOIN escrows escrow ON escrow.campaign_target_id = target.id
            WHERE target.id = NEW.campaign_target_id AND target.channel_id = NEW.channel_id
                AND target.status = 'approved' AND escrow.status = 'held'))
    THEN
        RAISE EXCEPTION 'a post that nobody has approved' USING ERRCODE = 'AD086';
    END IF;
    RETURN NULL;
END $$
