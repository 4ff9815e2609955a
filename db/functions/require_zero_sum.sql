-- Trigger `zero_sum` of ledger_entries. Requires after an INSERT of entries that the legs of each of
-- their transfers sum to zero.
-- Locks: nothing. Raises: AD007.
CREATE OR REPLACE FUNCTION require_zero_sum() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM ledger_entries entry
        WHERE entry.transfer_id IN (SELECT transfer_id FROM added)
        GROUP BY entry.transfer_id HAVING sum(entry.amount) <> 0
    ) THEN
        RAISE EXCEPTION 'legs of a transfer do not sum to zero' USING ERRCODE = 'AD007';
    END IF;
    RETURN NULL;
END $$
