-- Opens an incident and returns its id, or null if an incident of this kind is open already. While an
-- incident about the ledger is open, the kill switches of money count as stopped (see the view
-- `running_switches`). The stops are also written as rows, so that the switches stay stopped after
-- the incident is closed. If sessions of the application that are changing incidents delay this
-- function for more than 0.4 s, these sessions are ended.
-- Locks: nothing that another session can hold for long. Raises: 55P03 if a session that does not
-- belong to the application delays it for longer.
CREATE OR REPLACE FUNCTION open_incident(incident_kind text, facts jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '400ms' AS $$
DECLARE
    incident_id bigint;
    switch record;
BEGIN
    IF incident_kind = 'ledger_violation' THEN
        FOR switch IN
            SELECT key FROM running_switches
            WHERE key IN ('new_escrows', 'payouts', 'refunds', 'withdrawals') ORDER BY key
        LOOP
            INSERT INTO switch_stops (key, reason)
            VALUES (switch.key, 'ledger_invariant_violated');
            PERFORM record_switch(switch.key, false, NULL, 'system', 'ledger_invariant_violated',
                NULL);
        END LOOP;
    END IF;
    FOR attempt IN 1..2 LOOP
        BEGIN
            INSERT INTO incidents (kind, details) VALUES (incident_kind, facts)
            ON CONFLICT (kind) WHERE closed_at IS NULL DO NOTHING
            RETURNING id INTO incident_id;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF attempt = 2 THEN
                RAISE;
            END IF;
            PERFORM end_sessions(ARRAY(
                SELECT held.pid FROM pg_locks held WHERE held.relation = 'incidents'::regclass
                    AND held.mode = 'RowExclusiveLock' AND held.granted));
        END;
    END LOOP;
    RETURN incident_id;
END $$
