-- Trigger `told` of moved_chats: a move of the admin chat is told to the admin chat and to each super
-- admin in private, who then confirm the move.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION tell_moved_chat() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO outbox (user_id, kind, payload, priority)
    SELECT receiver.id, 'admin_chat_moved',
        jsonb_build_object('to', CASE WHEN receiver.id IS NULL THEN 'staff' ELSE 'person' END), 0
    FROM (
        SELECT NULL AS id
        UNION ALL
        SELECT person.id FROM users person JOIN user_roles granted ON granted.user_id = person.id
        WHERE granted.role = 'super_admin' AND NOT person.blocked
    ) AS receiver;
    RETURN NULL;
END $$
