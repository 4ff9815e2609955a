-- Opens an incident about those facts that no open incident of its kind has, queues the alarm about it to
-- the admin chat, and returns its id. `facts` has a list of rows by the name of the fault; the `ref` of a
-- row says what the fault is about. Returns null if open incidents of this kind have every row. Facts
-- without rows open an incident only if none of this kind is open. While an incident about the ledger is
-- open, the kill switches of money count as stopped (see the view `running_switches`). The stops are
-- also written as rows, so that the switches stay stopped after the incident is closed. If sessions of
-- the application that are changing incidents delay this function for more than 0.4 s, these sessions
-- are ended.
-- Locks: nothing that another session can hold for long. Raises: 55P03 if a session that does not
-- belong to the application delays it for longer.
CREATE OR REPLACE FUNCTION open_incident(incident_kind text, facts jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '400ms' AS $$
DECLARE
    incident_id bigint;
    new_facts jsonb;
    new_fingerprint text;
    switch record;
BEGIN
    SELECT jsonb_object_agg(fault.name, fault.found),
        md5(string_agg(fault.name || fault.refs, ' ' ORDER BY fault.name))
    INTO new_facts, new_fingerprint
    FROM (
        SELECT named.key AS name, jsonb_agg(offender.value ORDER BY offender.ordinality) AS found,
            jsonb_agg(offender.value -> 'ref' ORDER BY offender.ordinality)::text AS refs
        FROM jsonb_each(facts) AS named,
            jsonb_array_elements(named.value) WITH ORDINALITY AS offender
        WHERE NOT EXISTS (
            SELECT FROM incidents
            WHERE incidents.kind = incident_kind AND incidents.closed_at IS NULL
                AND incidents.details -> named.key
                    @> jsonb_build_array(jsonb_build_object('ref', offender.value -> 'ref')))
        GROUP BY named.key
    ) AS fault;
    IF new_facts IS NULL THEN
        IF EXISTS (SELECT FROM incidents WHERE kind = incident_kind AND closed_at IS NULL) THEN
            RETURN NULL;
        END IF;
        new_facts := facts;
    END IF;
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
            INSERT INTO incidents (kind, details, fingerprint)
            VALUES (incident_kind, new_facts, coalesce(new_fingerprint, ''))
            ON CONFLICT (kind, fingerprint) WHERE closed_at IS NULL DO NOTHING
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
    IF incident_id IS NOT NULL AND incident_kind IN ('ledger_violation', 'audit_chain_broken') THEN
        INSERT INTO outbox (kind, payload, priority)
        VALUES (incident_kind, jsonb_build_object('incident_id', incident_id, 'violations', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('name', key, 'rows', value) ORDER BY key),
                '[]')
            FROM jsonb_each(new_facts))), 0);
    END IF;
    RETURN incident_id;
END $$
