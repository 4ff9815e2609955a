-- Names a manager of a channel. The actor is the owner, who has pressed the button with exactly this person in
-- an update that is being handled; a session that may write updates itself is not asked for the press, because
-- it could invent it. The caller has checked with Telegram that the person is an administrator of the channel.
-- Returns null for a new manager, `repeated` for a present one, `not_found` for a channel of somebody else,
-- and `not_started` for a person who has not started the bot or is blocked.
-- Locks: the channel. Raises: AD058.
CREATE OR REPLACE FUNCTION name_manager(
    channel_id bigint, actor_id bigint, manager_telegram_id bigint, correlation_id text
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    pressed text := concat('manager:name:', channel_id, ':', manager_telegram_id);
    manager_id bigint;
BEGIN
    PERFORM FROM channels channel
    WHERE channel.id = name_manager.channel_id AND channel.owner_id = actor_id
        AND channel.status <> 'removed' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 'not_found';
    END IF;
    SELECT person.id INTO manager_id FROM users person
    WHERE person.telegram_id = manager_telegram_id AND NOT person.blocked;
    IF manager_id IS NULL OR manager_id = actor_id THEN
        RETURN 'not_started';
    END IF;
    IF EXISTS (
        SELECT FROM channel_managers manager
        WHERE manager.channel_id = name_manager.channel_id AND manager.owner_id = actor_id
            AND manager.user_id = manager_id AND manager.ended_at IS NULL)
    THEN
        RETURN 'repeated';
    END IF;
    IF NOT (pg_has_role(session_user, role_name('intake'), 'MEMBER')
        OR pg_has_role(session_user, current_user, 'MEMBER')
        OR EXISTS (
            SELECT FROM inbox stored
            WHERE stored.done_at IS NULL AND stored.failed_at IS NULL
                AND words_in_update(stored.id, actor_id) IN (pressed, 'beside|' || pressed)))
    THEN
        RAISE EXCEPTION 'this person has not named this manager' USING ERRCODE = 'AD058';
    END IF;
    INSERT INTO channel_managers (channel_id, owner_id, user_id, correlation_id)
    VALUES (channel_id, actor_id, manager_id, correlation_id);
    INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id)
    VALUES ('manager_named', actor_id, 'owner', jsonb_build_object('channel_id', channel_id,
        'manager_id', manager_id), correlation_id);
    RETURN NULL;
END $$
