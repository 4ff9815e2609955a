-- Opens an incident about guards of the schema (triggers, rights, functions, ...) that differ from the
-- release, and queues the alarm about it to the admin chat. `facts` has a list of rows by the kind of the
-- difference; `ref` of a row names the guard, `repair` the command. If `freezes` is true, a guard of money is
-- concerned: the kill switches of money are stopped, and stay so until an operator has closed the incident
-- and somebody runs them. Returns the incident's id, or null if open incidents have every row.
-- Locks: nothing that another session can hold for long. Raises: what `open_incident` raises.
CREATE OR REPLACE FUNCTION record_guard_faults(freezes boolean, facts jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    incident_kind text := CASE WHEN freezes THEN 'guard_missing' ELSE 'schema_differs' END;
    running text[];
    incident_id bigint;
BEGIN
    SELECT coalesce(array_agg(key ORDER BY key), '{}') INTO running FROM running_switches
    WHERE key IN ('new_escrows', 'payouts', 'refunds', 'withdrawals', 'adjustments');
    incident_id := open_incident(incident_kind, facts);
    IF incident_id IS NULL THEN
        RETURN NULL;
    END IF;
    IF freezes THEN
        INSERT INTO switch_stops (key, reason) SELECT unnest(running), 'guard_missing';
        INSERT INTO user_audit_logs (action, role, metadata)
        SELECT 'kill_switch_stopped', 'system', jsonb_build_object('key', key)
        FROM unnest(running) AS key;
    END IF;
    INSERT INTO outbox (kind, payload, priority)
    VALUES (incident_kind, jsonb_build_object('incident_id', incident_id, 'differences', (
        SELECT coalesce(jsonb_agg(fault.row ORDER BY fault.row ->> 'ref'), '[]')
        FROM jsonb_each(facts) AS named, jsonb_array_elements(named.value) AS fault (row))), 0);
    RETURN incident_id;
END $$
