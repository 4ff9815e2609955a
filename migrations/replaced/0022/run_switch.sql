-- Lets a kill switch run again, and writes the audit row and the alarm about it. Returns whether the
-- switch was stopped before, or null if there is no such switch. Only an operator or a super admin may
-- do this. A null `actor_id` means the system, in whose name only the owner's role runs a switch. The
-- switches of money cannot run while an incident about the ledger is open. After such an incident, the
-- person who closed it or signed a correction for it does not run the switches that it stopped.
-- Locks: the switch (advisory, exclusive), its row.
-- Raises: AD042 (the person may not do it), AD043 (open incident; DETAIL is its id), AD070 (nobody's
-- name); what `require_other_person` raises.
CREATE OR REPLACE FUNCTION run_switch(
    switch_key text, actor_id bigint, role text, run_reason text, correlation_id text
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7001, hashtext(switch_key));
    PERFORM FROM kill_switches WHERE key = switch_key FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF actor_id IS NULL AND NOT pg_has_role(session_user, current_user, 'MEMBER') THEN
        RAISE EXCEPTION 'a person lets a switch run again' USING ERRCODE = 'AD070';
    END IF;
    PERFORM require_operator(actor_id);
    IF EXISTS (SELECT FROM frozen_switches WHERE key = switch_key) THEN
        RAISE EXCEPTION 'an open incident stops the switch' USING ERRCODE = 'AD043', DETAIL = (
            SELECT max(id) FROM incidents WHERE kind = 'ledger_violation' AND closed_at IS NULL);
    END IF;
    IF EXISTS (SELECT FROM running_switches WHERE key = switch_key) THEN
        RETURN false;
    END IF;
    PERFORM require_other_person(switch_key, actor_id);
    DELETE FROM switch_stops WHERE key = switch_key;
    UPDATE kill_switches
    SET enabled = true, changed_by = actor_id, changed_at = clock(), reason = run_reason
    WHERE key = switch_key;
    PERFORM record_switch(switch_key, true, actor_id, run_switch.role, run_reason,
        run_switch.correlation_id);
    RETURN true;
END $$
