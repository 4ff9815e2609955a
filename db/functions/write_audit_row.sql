-- Constraint triggers `audited` and `audited_move` of the tables below. Write at commit an audit row about
-- the change, so that no login of the application can act without one. No second row is written if the
-- application has written its own in this transaction (for an incident: at any time). A row that names
-- another person than the changed row does not count.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION write_audit_row() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    changed jsonb;
    actions text[];
    facts jsonb;
    actor_id bigint;
    is_written boolean;
BEGIN
    IF TG_OP = 'DELETE' THEN
        changed := to_jsonb(OLD);
    ELSE
        changed := to_jsonb(NEW);
    END IF;
    CASE TG_TABLE_NAME
    WHEN 'user_roles' THEN
        actions := ARRAY[CASE TG_OP WHEN 'DELETE' THEN 'role_revoked' ELSE 'role_granted' END];
        facts := jsonb_build_object('staff_user_id', changed -> 'user_id',
            'staff_role', changed -> 'role');
        actor_id := CASE TG_OP WHEN 'INSERT' THEN changed ->> 'granted_by' END;
    WHEN 'moved_chats' THEN
        actions := ARRAY[CASE TG_OP WHEN 'INSERT' THEN 'chat_moved' ELSE 'chat_move_confirmed' END];
        facts := jsonb_build_object('old_chat_id', changed -> 'old_chat_id',
            'new_chat_id', changed -> 'new_chat_id');
        actor_id := changed ->> 'confirmed_by';
    WHEN 'incidents' THEN
        actions := ARRAY[CASE TG_OP WHEN 'INSERT' THEN 'incident_opened' ELSE 'incident_closed' END];
        facts := jsonb_build_object('incident_id', changed -> 'id');
        actor_id := changed ->> 'closed_by';
    WHEN 'withdrawals' THEN
        actions := ARRAY['withdrawal_' || (changed ->> 'status')];
        facts := jsonb_build_object('withdrawal_id', changed -> 'id');
        -- Another admin than the one who approved may pay or return it, and the row does not say who.
        actor_id := CASE changed ->> 'status' WHEN 'requested' THEN changed ->> 'user_id'
            WHEN 'approved' THEN changed ->> 'decided_by' END;
    WHEN 'campaign_targets' THEN
        -- A placement that its owner has declined is rejected in the owner's name.
        actions := CASE WHEN changed @> '{"status": "rejected"}' AND NEW.decided_by = NEW.owner_id
            THEN '{placement_declined}' ELSE ARRAY['moderation_' || (changed ->> 'status')] END;
        facts := jsonb_build_object('target_id', changed -> 'id');
        actor_id := changed ->> 'decided_by';
    WHEN 'escrows' THEN
        -- An approval holds the escrow, and its audit row says so.
        actions := CASE WHEN TG_OP = 'INSERT' THEN '{escrow_held,moderation_approved}'
            ELSE ARRAY['escrow_' || (changed ->> 'status')] END;
        facts := jsonb_build_object('target_id', changed -> 'campaign_target_id');
    WHEN 'deposits' THEN
        actions := '{deposit_credited}';
        facts := jsonb_build_object('deposit_id', changed -> 'id');
    WHEN 'clawbacks' THEN
        actions := '{deposit_clawed_back}';
        facts := jsonb_build_object('clawback_id', changed -> 'id');
    WHEN 'deposit_returns' THEN
        actions := ARRAY[CASE changed ->> 'status' WHEN 'requested' THEN 'deposit_return_requested'
            WHEN 'done' THEN 'deposit_returned' ELSE 'deposit_return_refused' END];
        facts := jsonb_build_object('deposit_return_id', changed -> 'id');
        actor_id := CASE changed ->> 'status' WHEN 'requested' THEN changed ->> 'user_id' END;
    WHEN 'excess_payments' THEN
        actions := '{excess_payment_recorded}';
        facts := jsonb_build_object('excess_payment_id', changed -> 'id');
        actor_id := changed ->> 'recorded_by';
    WHEN 'corrections' THEN
        actions := ARRAY['correction_' || (changed ->> 'status')];
        facts := jsonb_build_object('correction_id', changed -> 'id');
        actor_id := CASE changed ->> 'status' WHEN 'proposed' THEN changed ->> 'proposed_by'
            WHEN 'confirmed' THEN changed ->> 'confirmed_by' END;
    WHEN 'channels' THEN
        -- A removed channel that its next owner connects is no take-over.
        actions := '{channel_taken_over,channel_connected}';
        facts := jsonb_build_object('channel_id', changed -> 'id');
        actor_id := changed ->> 'owner_id';
    WHEN 'users' THEN
        actions := ARRAY[CASE WHEN NEW.blocked THEN 'user_blocked' ELSE 'user_unblocked' END];
        facts := jsonb_build_object(
            CASE WHEN NEW.blocked THEN 'blocked_user_id' ELSE 'unblocked_user_id' END, NEW.id);
    END CASE;
    IF TG_TABLE_NAME = 'incidents' THEN
        is_written := EXISTS (
            SELECT FROM user_audit_logs WHERE action = ANY (actions) AND metadata @> facts);
    ELSE
        -- A statement of its own, so that one plan with the index on the time serves every call.
        is_written := EXISTS (
            SELECT FROM user_audit_logs written
            WHERE written.action = ANY (actions) AND written.metadata @> facts
                AND (actor_id IS NULL OR written.user_id = actor_id)
                AND written.created_at >= transaction_timestamp() + (clock() - statement_timestamp()));
    END IF;
    IF NOT is_written THEN
        INSERT INTO user_audit_logs (action, user_id, role, metadata)
        VALUES (actions[1], actor_id, coalesce((SELECT max(granted.role) FROM user_roles granted
            WHERE granted.user_id = actor_id), 'system'), facts);
    END IF;
    RETURN NULL;
END $$
