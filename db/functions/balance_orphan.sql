-- Balances an orphan: an entry that its wallet's balance does not include and that no other leg
-- balances. The function completes the orphan's transfer with a leg of another wallet, and then takes
-- both legs back by a new transfer that belongs to the correction. No balance changes, and the
-- versions of both wallets go on without a gap. The other wallet is the platform's `loss` wallet for
-- the same person or, if the orphan's transfer names this wallet already, its `external` wallet.
-- Only the owner's role may call it.
-- Locks: the two wallets, in the order of their ids.
-- Raises: AD015 (the entry is not the orphan that was confirmed, or cannot be balanced).
CREATE OR REPLACE FUNCTION balance_orphan(correction corrections) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    orphan ledger_entries;
    wallet wallets;
    other_wallet wallets;
    person_id bigint;
    found_wallet_id bigint;
    new_transfer_id bigint;
    last_version bigint;
    last_balance bigint;
BEGIN
    SELECT * INTO orphan FROM ledger_entries WHERE id = correction.entry_id;
    SELECT * INTO wallet FROM wallets WHERE id = orphan.wallet_id;
    person_id := coalesce(wallet.user_id, wallet.counterparty_id);
    SELECT open_wallet(chosen.kind, NULL, person_id, wallet.currency) INTO found_wallet_id
    FROM (
        SELECT possible.kind
        FROM unnest(ARRAY['loss', 'external']) WITH ORDINALITY AS possible (kind, place)
        WHERE NOT EXISTS (
            SELECT FROM ledger_entries leg JOIN wallets named ON named.id = leg.wallet_id
            WHERE leg.transfer_id = orphan.transfer_id AND named.kind = possible.kind
                AND named.counterparty_id = person_id)
        ORDER BY possible.place LIMIT 1
    ) AS chosen;
    PERFORM FROM wallets WHERE id IN (wallet.id, found_wallet_id) ORDER BY id FOR NO KEY UPDATE;
    SELECT * INTO wallet FROM wallets WHERE id = wallet.id;
    SELECT * INTO other_wallet FROM wallets WHERE id = found_wallet_id;
    SELECT max(version), wallet.balance + sum(amount) FILTER (WHERE version > wallet.version)
    INTO last_version, last_balance
    FROM ledger_entries WHERE wallet_id = wallet.id HAVING max(version) = count(*);
    IF other_wallet.id IS NULL OR last_version IS NULL OR orphan.version <= wallet.version
        OR orphan.amount <> correction.amount OR orphan.amount
        <> (SELECT sum(amount) FROM ledger_entries WHERE transfer_id = orphan.transfer_id)
    THEN
        RAISE EXCEPTION 'the entry is no orphan that can be balanced' USING ERRCODE = 'AD015';
    END IF;
    INSERT INTO ledger_entries
        (transfer_id, wallet_id, amount, balance_after, version, reason, reference_id)
    VALUES (orphan.transfer_id, other_wallet.id, -orphan.amount,
        other_wallet.balance - orphan.amount, other_wallet.version + 1, 'adjustment', correction.id);
    INSERT INTO ledger_transfers (key, reason, reference_id, actor_id)
    VALUES ('correction:' || correction.id, 'adjustment', correction.id, correction.confirmed_by)
    RETURNING id INTO new_transfer_id;
    INSERT INTO ledger_entries
        (transfer_id, wallet_id, amount, balance_after, version, reason, reference_id)
    VALUES
        (new_transfer_id, wallet.id, -orphan.amount, last_balance - orphan.amount,
            last_version + 1, 'adjustment', correction.id),
        (new_transfer_id, other_wallet.id, orphan.amount, other_wallet.balance,
            other_wallet.version + 2, 'adjustment', correction.id);
    UPDATE wallets SET version = version + 2 WHERE id = other_wallet.id;
    -- With another orphan waiting, the wallet catches up when that one is balanced.
    UPDATE wallets SET version = last_version + 1
    WHERE id = wallet.id AND balance = last_balance - orphan.amount;
    UPDATE corrections SET other_wallet_id = other_wallet.id WHERE id = correction.id;
END $$
