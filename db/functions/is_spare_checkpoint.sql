-- Returns whether a check of the ledger may be deleted: it is older than 30 days and found no violation, no
-- incident needs it, a later check says where the next one begins, and if it completed a check of all rows,
-- a later check did so too (an incident is closed only after such a check).
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION is_spare_checkpoint(checked ledger_checkpoints) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT checked.violations = 0 AND checked.created_at < clock() - interval '30 days'
        AND NOT is_evidence_needed()
        AND EXISTS (SELECT FROM ledger_checkpoints later
            WHERE later.id > checked.id AND later.progress IS NOT NULL)
        AND (checked.full_since IS NULL OR EXISTS (SELECT FROM ledger_checkpoints later
            WHERE later.id > checked.id AND later.full_since IS NOT NULL))
$$
