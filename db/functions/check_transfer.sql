-- Constraint trigger `matches_escrow` of ledger_transfers. Requires at commit that a transfer into or
-- out of an escrow's wallet says the same as the escrow. Any other transfer must have at least two
-- legs, none of which is a wallet of an escrow.
-- Locks: nothing.
-- Raises: what `require_escrow_match` raises; AD018 (no legs), AD019 (held money).
CREATE OR REPLACE FUNCTION check_transfer() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.reason IN ('escrow_hold', 'payout', 'refund') THEN
        PERFORM require_escrow_match(NEW.reference_id);
    ELSIF (SELECT count(*) FROM ledger_entries WHERE transfer_id = NEW.id) < 2 THEN
        RAISE EXCEPTION 'a transfer without legs' USING ERRCODE = 'AD018';
    ELSIF EXISTS (
        SELECT FROM ledger_entries entry JOIN wallets wallet ON wallet.id = entry.wallet_id
        WHERE entry.transfer_id = NEW.id AND wallet.kind = 'escrow'
    ) THEN
        RAISE EXCEPTION 'held money moves by hold, payout and refund alone' USING ERRCODE = 'AD019';
    END IF;
    RETURN NULL;
END $$
