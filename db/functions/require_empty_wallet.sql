-- Trigger `opened_empty` of wallets: the balance and the version of a new wallet must be 0, because
-- only entries of the ledger may change them.
-- Locks: nothing. Raises: AD008.
CREATE OR REPLACE FUNCTION require_empty_wallet() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.balance <> 0 OR NEW.version <> 0 THEN
        RAISE EXCEPTION 'a wallet is opened empty' USING ERRCODE = 'AD008';
    END IF;
    RETURN NEW;
END $$
