-- Stops a kill switch for all acts that begin after the commit, and returns whether it was running:
-- null for an unknown switch. The stop is a new row, which no lock of another session can delay: it
-- refers to no row by a foreign key, and it has no unique column. The audit row and the alarm are
-- written with it. `settle_stop` then waits for the acts that are under way. The system has no
-- `actor_id`.
-- Locks: nothing. Raises: AD042 (who stops it).
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
