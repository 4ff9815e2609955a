-- Trigger `moved_by_entries` of wallets: a balance changes only as entries of the ledger say. The new
-- version of a wallet is the version of one of its entries, and the new balance is the balance after
-- that entry. The difference to the old balance is the sum of the entries since the old version.
-- Owner, kind and currency of a wallet never change.
-- Locks: nothing. Raises: AD009 (owner, kind or currency), AD010 (balance or version).
CREATE OR REPLACE FUNCTION require_entries() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM now_is JOIN was USING (id)
        WHERE (now_is.user_id, now_is.counterparty_id, now_is.kind, now_is.currency)
            IS DISTINCT FROM (was.user_id, was.counterparty_id, was.kind, was.currency)
    ) OR (SELECT count(*) FROM now_is) <> (SELECT count(*) FROM now_is JOIN was USING (id)) THEN
        RAISE EXCEPTION 'owner, kind and currency of a wallet never change' USING ERRCODE = 'AD009';
    END IF;
    IF EXISTS (
        SELECT FROM now_is JOIN was USING (id)
        WHERE (now_is.balance, now_is.version) IS DISTINCT FROM (was.balance, was.version) AND (
            now_is.version <= was.version
            OR now_is.balance - was.balance IS DISTINCT FROM (
                SELECT sum(entry.amount) FROM ledger_entries entry
                WHERE entry.wallet_id = now_is.id
                    AND entry.version > was.version AND entry.version <= now_is.version)
            OR now_is.balance IS DISTINCT FROM (
                SELECT entry.balance_after FROM ledger_entries entry
                WHERE entry.wallet_id = now_is.id AND entry.version = now_is.version)
        )
    ) THEN
        RAISE EXCEPTION 'a balance was not moved by an entry' USING ERRCODE = 'AD010';
    END IF;
    RETURN NULL;
END $$
