-- Stops every kill switch that is running, for all actions that begin after the commit. Writes an audit row
-- about each, and one alarm about all of them. Returns the keys of the switches that were running. The stops
-- are new rows without foreign keys and unique columns, so that no lock of another session can delay them.
-- `settle_stops` then waits for the actions that are under way. Only an operator or a super admin may do
-- this; a null `actor_id` means the system.
-- Locks: nothing. Raises: AD042 (the person may not do it).
CREATE OR REPLACE FUNCTION stop_all_switches(
    actor_id bigint, role text, stop_reason text, correlation_id text
) RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    stopped text[] := ARRAY(SELECT key FROM running_switches ORDER BY key);
BEGIN
    PERFORM require_operator(actor_id);
    IF stopped = '{}' THEN
        RETURN stopped;
    END IF;
    INSERT INTO switch_stops (key, stopped_by, reason)
    SELECT key, actor_id, stop_reason FROM unnest(stopped) AS key;
    INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id)
    SELECT 'kill_switch_stopped', actor_id, stop_all_switches.role,
        jsonb_build_object('key', key, 'reason', stop_reason), stop_all_switches.correlation_id
    FROM unnest(stopped) AS key;
    INSERT INTO outbox (kind, payload, priority)
    VALUES ('switch_changed', jsonb_build_object('keys', stopped, 'enabled', false,
        'reason', stop_reason, 'user_id', actor_id), 0);
    RETURN stopped;
END $$
