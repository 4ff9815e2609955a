-- Trigger `in_the_past` of ledger_checkpoints: refuses an impossible record of a check of the ledger.
-- A check cannot have read a transaction that has not ended, and cannot have begun in the future. A
-- check that found a violation must not record any progress, so that the rows are read again.
-- Locks: nothing. Raises: AD041.
CREATE OR REPLACE FUNCTION guard_checkpoint() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF (NEW.progress ->> 'horizon')::bigint > ledger_horizon() OR NEW.full_since > clock()
        OR NEW.violations > 0 AND (NEW.progress IS NOT NULL OR NEW.full_since IS NOT NULL)
    THEN
        RAISE EXCEPTION 'a check of the ledger claims more than it can have read'
        USING ERRCODE = 'AD041';
    END IF;
    RETURN NEW;
END $$
