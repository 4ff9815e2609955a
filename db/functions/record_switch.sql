-- Writes the audit row about a kill switch that was stopped or runs again, and queues the alarm about
-- it to the admin chat.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION record_switch(
    switch_key text, running boolean, actor_id bigint, role text, change_reason text,
    correlation_id text
) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id)
    VALUES (CASE WHEN running THEN 'kill_switch_run' ELSE 'kill_switch_stopped' END, actor_id,
        record_switch.role, jsonb_build_object('key', switch_key, 'reason', change_reason),
        record_switch.correlation_id);
    INSERT INTO outbox (kind, payload, priority)
    VALUES ('switch_changed', jsonb_build_object('key', switch_key, 'enabled', running,
        'reason', change_reason, 'user_id', actor_id), 0);
END $$
