-- Returns a transaction number below which every transaction has ended. A read that begins now sees
-- all rows that those transactions wrote. `restart_ledger_txn` replaces this function after a
-- restore.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION ledger_horizon() RETURNS bigint LANGUAGE sql STABLE
RETURN pg_snapshot_xmin(pg_current_snapshot())::text::bigint + 0
