-- Requires that the person who lets a switch run again after an incident about the ledger has neither
-- closed such an incident nor proposed, confirmed or applied a correction that may have repaired the ledger.
-- Only incidents count that were closed after the last change of the switch. A correction counts if it is
-- confirmed and not done yet, or was done after the first of these incidents was opened. A switch that no
-- incident stops is not restricted.
-- Locks: nothing. Raises: AD071.
CREATE OR REPLACE FUNCTION require_other_person(switch_key text, actor_id bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    changed_at timestamptz := greatest(
        (SELECT switch.changed_at FROM kill_switches switch WHERE switch.key = switch_key),
        (SELECT max(stop.created_at) FROM switch_stops stop WHERE stop.key = switch_key));
    first_opened_at timestamptz;
    is_closer boolean;
BEGIN
    SELECT min(opened_at), bool_or(closed_by = actor_id) INTO first_opened_at, is_closer
    FROM incidents WHERE kind = 'ledger_violation' AND closed_at >= changed_at;
    IF first_opened_at IS NULL
        OR switch_key NOT IN ('new_escrows', 'payouts', 'refunds', 'withdrawals', 'adjustments')
    THEN
        RETURN;
    END IF;
    IF is_closer OR EXISTS (
        SELECT FROM corrections
        WHERE actor_id IN (proposed_by, confirmed_by, applied_by) AND status IN ('confirmed', 'done')
            AND (done_at IS NULL OR done_at >= first_opened_at)
    ) THEN
        RAISE EXCEPTION 'who repairs the ledger or closes the incident runs no switch'
        USING ERRCODE = 'AD071';
    END IF;
END $$
