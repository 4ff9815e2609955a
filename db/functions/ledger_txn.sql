-- Returns the number of this transaction; it only grows from transaction to transaction.
-- The rows that the checks of the ledger look at carry it. The number that is added to PostgreSQL's
-- own is 0 until a backup is restored into a new cluster, where transactions are counted from the
-- start again: `restart_ledger_txn` then replaces this function.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION ledger_txn() RETURNS bigint LANGUAGE sql STABLE
RETURN pg_current_xact_id()::text::bigint + 0
