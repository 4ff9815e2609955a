-- Constraint triggers `audited` of user_roles, moved_chats and incidents. Write at commit an audit row
-- about the change. No second row is written if the application has written one in this transaction
-- (for an incident: at any time).
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION write_audit_row() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    changed jsonb;
    row_action text;
    facts jsonb;
    actor_id bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        changed := to_jsonb(OLD);
    ELSE
        changed := to_jsonb(NEW);
    END IF;
    CASE TG_TABLE_NAME
    WHEN 'user_roles' THEN
        row_action := CASE TG_OP WHEN 'DELETE' THEN 'role_revoked' ELSE 'role_granted' END;
        facts := jsonb_build_object('staff_user_id', changed -> 'user_id',
            'staff_role', changed -> 'role');
        actor_id := CASE TG_OP WHEN 'INSERT' THEN changed ->> 'granted_by' END;
    WHEN 'moved_chats' THEN
        row_action := CASE TG_OP WHEN 'INSERT' THEN 'chat_moved' ELSE 'chat_move_confirmed' END;
        facts := jsonb_build_object('old_chat_id', changed -> 'old_chat_id',
            'new_chat_id', changed -> 'new_chat_id');
        actor_id := changed ->> 'confirmed_by';
    WHEN 'incidents' THEN
        row_action := CASE TG_OP WHEN 'INSERT' THEN 'incident_opened' ELSE 'incident_closed' END;
        facts := jsonb_build_object('incident_id', changed -> 'id');
        actor_id := changed ->> 'closed_by';
    END CASE;
    IF NOT EXISTS (
        SELECT FROM user_audit_logs WHERE action = row_action AND metadata @> facts
            AND (TG_TABLE_NAME = 'incidents'
                OR created_at >= transaction_timestamp() + (clock() - statement_timestamp())))
    THEN
        INSERT INTO user_audit_logs (action, user_id, role, metadata)
        VALUES (row_action, actor_id, coalesce((SELECT max(granted.role) FROM user_roles granted
            WHERE granted.user_id = actor_id), 'system'), facts);
    END IF;
    RETURN NULL;
END $$
