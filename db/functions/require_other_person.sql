-- Requires that the person who lets a switch run again after an incident about the ledger has neither
-- closed the last incident nor proposed or confirmed a correction that may have repaired the ledger. Such
-- a correction is confirmed and not done yet, or was done after the incident was opened. A switch that
-- somebody has changed after the incident was closed is not restricted, and neither is a switch that no
-- incident stops.
-- Locks: nothing. Raises: AD071.
CREATE OR REPLACE FUNCTION require_other_person(switch_key text, actor_id bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    incident incidents;
BEGIN
    SELECT * INTO incident FROM incidents
    WHERE kind = 'ledger_violation' ORDER BY id DESC LIMIT 1;
    IF incident.closed_at IS NULL
        OR switch_key NOT IN ('new_escrows', 'payouts', 'refunds', 'withdrawals', 'adjustments')
        OR greatest(
            (SELECT changed_at FROM kill_switches WHERE key = switch_key),
            (SELECT max(created_at) FROM switch_stops WHERE key = switch_key)) > incident.closed_at
    THEN
        RETURN;
    END IF;
    IF incident.closed_by = actor_id OR EXISTS (
        SELECT FROM corrections
        WHERE actor_id IN (proposed_by, confirmed_by) AND status IN ('confirmed', 'done')
            AND (done_at IS NULL OR done_at >= incident.opened_at)
    ) THEN
        RAISE EXCEPTION 'who repairs the ledger or closes the incident runs no switch'
        USING ERRCODE = 'AD071';
    END IF;
END $$
