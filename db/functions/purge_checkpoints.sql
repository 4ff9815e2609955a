-- Deletes at most `row_limit` checks of the ledger that are older than `keep` and that nobody needs
-- (`is_spare_checkpoint`), the oldest first. Returns how many were deleted.
-- It reads them in the order of their index and stops at the limit, as `purge_outbox` does.
-- Locks: the deleted rows. Raises: what `require_retention` raises.
CREATE OR REPLACE FUNCTION purge_checkpoints(keep interval, row_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_sort = off SET enable_bitmapscan = off SET enable_seqscan = off AS $$
DECLARE
    before timestamptz := clock() - keep;
    deleted integer;
BEGIN
    PERFORM require_retention(keep);
    IF is_evidence_needed() THEN
        RETURN 0;
    END IF;
    DELETE FROM ledger_checkpoints WHERE id = ANY (ARRAY(
        SELECT old.id FROM ledger_checkpoints old
        WHERE old.violations = 0 AND old.created_at < before AND is_spare_checkpoint(old)
        ORDER BY old.created_at LIMIT row_limit));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END $$
