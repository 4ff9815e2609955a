-- Ends a wait of releases by the decision of an admin: the owner is paid as agreed. The admin has pressed the
-- button of this wait in an update that is being handled; a session that may write updates itself is not asked
-- for the press, because it could invent it. Returns null if the wait ends now, `repeated` if it has ended
-- before, `not_found`, and `own_money` for the owner and for the advertiser of a placement that waits.
-- Locks: the wait. Raises: AD069.
CREATE OR REPLACE FUNCTION end_payout_wait(wait_id bigint, actor_id bigint, correlation_id text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    pressed text := concat('pay_wait:end:', wait_id);
    wait payout_waits;
BEGIN
    SELECT * INTO wait FROM payout_waits WHERE id = wait_id FOR UPDATE;
    IF wait.id IS NULL THEN
        RETURN 'not_found';
    ELSIF wait.ended_at IS NOT NULL THEN
        RETURN 'repeated';
    ELSIF actor_id = wait.owner_id OR EXISTS (
        SELECT FROM campaign_targets target
        JOIN campaigns campaign ON campaign.id = target.campaign_id
        JOIN escrows escrow ON escrow.campaign_target_id = target.id
        WHERE target.channel_id = wait.channel_id AND target.owner_id = wait.owner_id
            AND escrow.status = 'held' AND campaign.advertiser_id = actor_id)
    THEN
        RETURN 'own_money';
    END IF;
    IF NOT EXISTS (
        SELECT FROM user_roles JOIN users person ON person.id = user_roles.user_id
        WHERE user_roles.user_id = actor_id AND user_roles.role IN ('admin', 'super_admin')
            AND NOT person.blocked)
        OR NOT (pg_has_role(session_user, role_name('intake'), 'MEMBER')
            OR pg_has_role(session_user, current_user, 'MEMBER')
            OR EXISTS (
                SELECT FROM inbox stored
                WHERE stored.done_at IS NULL AND stored.failed_at IS NULL
                    AND words_in_update(stored.id, actor_id) IN (pressed, 'beside|' || pressed)))
    THEN
        RAISE EXCEPTION 'no admin has ended this wait' USING ERRCODE = 'AD069';
    END IF;
    UPDATE payout_waits SET ended_at = clock(), ended_by = actor_id WHERE id = wait_id;
    INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id)
    VALUES ('payout_wait_ended', actor_id, 'admin', jsonb_build_object('wait_id', wait_id,
        'channel_id', wait.channel_id, 'owner_id', wait.owner_id), correlation_id);
    RETURN NULL;
END $$
