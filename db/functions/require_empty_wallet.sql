-- Trigger `opened_empty`: a new wallet has no balance and no version, since only entries move it.
-- Locks: nothing. Raises: AD008.
CREATE OR REPLACE FUNCTION require_empty_wallet() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.balance <> 0 OR NEW.version <> 0 THEN
        RAISE EXCEPTION 'a wallet is opened empty' USING ERRCODE = 'AD008';
    END IF;
    RETURN NEW;
END $$
