-- Ends the suspension of a channel after early removals (`suspend_after_removals`): the removals that are known
-- by now count no more. The actor is an admin, who is not the owner, and who has pressed the button of exactly
-- this channel and reason in an update that is being handled. A session that may write updates itself is not
-- asked for the press, because it could invent it. The caller gives the channel its status back. Returns null,
-- or `not_found`, `own_money` (the actor owns the channel), `repeated` (no such suspension).
-- Locks: the channel. Raises: AD124.
CREATE OR REPLACE FUNCTION offer_channel_again(
    channel_id bigint, actor_id bigint, role text, reason text, correlation_id text
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    offered channels;
BEGIN
    SELECT * INTO offered FROM channels WHERE id = channel_id FOR NO KEY UPDATE;
    IF offered.id IS NULL THEN
        RETURN 'not_found';
    ELSIF offered.owner_id = actor_id THEN
        RETURN 'own_money';
    ELSIF offered.removed_early_at IS NULL THEN
        RETURN 'repeated';
    END IF;
    IF NOT EXISTS (
            SELECT FROM user_roles granted JOIN users person ON person.id = granted.user_id
            WHERE granted.user_id = actor_id AND granted.role IN ('admin', 'super_admin')
                AND NOT person.blocked)
        OR NOT (pg_has_role(session_user, role_name('intake'), 'MEMBER')
            OR pg_has_role(session_user, current_user, 'MEMBER')
            OR EXISTS (
                SELECT FROM inbox stored
                WHERE stored.done_at IS NULL AND stored.failed_at IS NULL
                    AND words_in_update(stored.id, actor_id)
                        = concat_ws(':', 'removals', 'offer', channel_id, reason)))
    THEN
        RAISE EXCEPTION 'an admin lets a channel be offered again' USING ERRCODE = 'AD124';
    END IF;
    UPDATE channels channel SET removed_early_at = NULL, removals_seen_at = (
        SELECT max(job.updated_at) FROM post_jobs job
        WHERE job.channel_id = offered.id AND job.status = 'failed' AND job.last_error = 'removed')
    WHERE channel.id = offered.id;
    INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id)
    VALUES ('channel_offered_again', actor_id, offer_channel_again.role,
        jsonb_build_object('channel_id', offered.id, 'reason', reason), correlation_id);
    RETURN NULL;
END $$
