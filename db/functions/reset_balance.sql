-- Sets a wrong balance of a wallet to the balance after the wallet's last entry. If the wallet has
-- orphans (entries that its balance does not include), only the entries before the first orphan
-- count. The entries must explain the new balance: their versions have no gap, and their sum is this
-- balance. Only the owner's role may call it. Inside this transaction, the trigger `moved_by_entries`
-- is disabled.
-- Locks: the table wallets (EXCLUSIVE): the lock waits for all transactions that have locked a
-- wallet, and then makes others wait. Therefore no deadlock with them is possible.
-- Raises: AD014 (the entries do not explain a balance).
CREATE OR REPLACE FUNCTION reset_balance(drifted_wallet_id bigint) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wallet_version bigint;
    orphan_version bigint;
    last_version bigint := 0;
    entry_count bigint;
    entry_sum bigint;
    last_balance bigint;
BEGIN
    LOCK TABLE wallets IN EXCLUSIVE MODE;
    ALTER TABLE wallets DISABLE TRIGGER moved_by_entries;
    SELECT version INTO wallet_version FROM wallets WHERE id = drifted_wallet_id;
    SELECT min(entry.version) INTO orphan_version FROM ledger_entries entry
    WHERE entry.wallet_id = drifted_wallet_id AND entry.version > wallet_version
        AND (SELECT sum(leg.amount) FROM ledger_entries leg
            WHERE leg.transfer_id = entry.transfer_id) <> 0;
    SELECT count(*), coalesce(max(version), 0), coalesce(sum(amount), 0)
    INTO entry_count, last_version, entry_sum
    FROM ledger_entries
    WHERE wallet_id = drifted_wallet_id AND (orphan_version IS NULL OR version < orphan_version);
    SELECT balance_after INTO last_balance FROM ledger_entries
    WHERE wallet_id = drifted_wallet_id AND version = last_version;
    IF entry_count <> last_version OR entry_sum <> coalesce(last_balance, 0) THEN
        RAISE EXCEPTION 'the entries do not explain a balance' USING ERRCODE = 'AD014';
    END IF;
    UPDATE wallets SET balance = entry_sum, version = last_version WHERE id = drifted_wallet_id;
    ALTER TABLE wallets ENABLE TRIGGER moved_by_entries;
END $$
