-- Lets transaction numbers continue above the highest number in a backup that was restored into a
-- new cluster. The owner's role calls it right after the restore, before anything is written. It
-- replaces `ledger_txn` and `ledger_horizon`, and returns the number that they now add to
-- PostgreSQL's own. A second call, or a call without a restore, changes nothing.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION restart_ledger_txn() RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    added bigint;
    last_written bigint;
BEGIN
    added := ledger_txn() - pg_current_xact_id()::text::bigint;
    SELECT max(last) INTO last_written FROM (
        SELECT max(txn) AS last FROM ledger_entries
        UNION ALL SELECT max(txn) FROM escrows
        UNION ALL SELECT max(txn) FROM deposits
        UNION ALL SELECT max(txn) FROM withdrawals
        UNION ALL SELECT max(txn) FROM campaign_targets
        UNION ALL SELECT max(txn) FROM post_jobs
        UNION ALL SELECT max(upto_txn) FROM audit_chain_links
        UNION ALL SELECT max((progress->>'horizon')::bigint) FROM ledger_checkpoints
    ) AS written;
    IF last_written >= ledger_txn() THEN
        added := last_written + 1 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
        EXECUTE format('CREATE OR REPLACE FUNCTION public.ledger_txn() RETURNS bigint LANGUAGE sql STABLE'
            ' RETURN pg_current_xact_id()::text::bigint + %s', added);
        EXECUTE format('CREATE OR REPLACE FUNCTION public.ledger_horizon() RETURNS bigint LANGUAGE sql'
            ' STABLE RETURN pg_snapshot_xmin(pg_current_snapshot())::text::bigint + %s', added);
    END IF;
    RETURN added;
END $$
