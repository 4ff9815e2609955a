-- Stops a kill switch for all actions that begin after the commit, and writes the audit row and the
-- alarm about it. Returns whether the switch was running before, or null if there is no such switch.
-- The stop is a new row without foreign keys and unique columns, so that no lock of another session
-- can delay it. `settle_stop` then waits for the actions that are under way. Only an operator or a
-- super admin may do this; a null `actor_id` means the system.
-- Locks: nothing. Raises: AD042 (the person may not do it).
CREATE OR REPLACE FUNCTION stop_switch(
    switch_key text, actor_id bigint, role text, stop_reason text, correlation_id text
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM kill_switches WHERE key = switch_key) THEN
        RETURN NULL;
    END IF;
    PERFORM require_operator(actor_id);
    IF NOT EXISTS (SELECT FROM running_switches WHERE key = switch_key) THEN
        RETURN false;
    END IF;
    INSERT INTO switch_stops (key, stopped_by, reason) VALUES (switch_key, actor_id, stop_reason);
    PERFORM record_switch(switch_key, false, actor_id, stop_switch.role, stop_reason,
        stop_switch.correlation_id);
    RETURN true;
END $$
