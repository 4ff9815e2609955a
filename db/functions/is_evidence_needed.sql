-- Returns whether an incident is open for which old checks and messages may still be evidence: any incident
-- but an outage of Telegram. Until it is closed, nothing of them is deleted.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION is_evidence_needed() RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM incidents WHERE closed_at IS NULL AND kind <> 'telegram_down')
$$
