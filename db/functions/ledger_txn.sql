-- Returns the number of this transaction. A later transaction has a higher number. The rows that
-- the checks of the ledger read contain this number. The number is PostgreSQL's own number plus an
-- offset, which is 0. After a backup is restored into a new cluster, PostgreSQL counts from the
-- start again. Then `restart_ledger_txn` replaces this function by one with another offset.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION ledger_txn() RETURNS bigint LANGUAGE sql STABLE
RETURN pg_current_xact_id()::text::bigint + 0
