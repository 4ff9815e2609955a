-- Trigger `stamped`: writes the transaction's number into a row that is updated, so that the check
-- of new rows finds the row.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION stamp_txn() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.txn := ledger_txn();
    RETURN NEW;
END $$
