-- Takes an amount (minor units) into a new escrow of a target that the caller has locked: opens the
-- escrow's own wallet, writes the escrow and posts the transfer into the wallet.
-- Locks: the two wallets.
-- Raises: what `post_transfer` raises; 23505 if the target has an escrow.
CREATE OR REPLACE FUNCTION hold_price(
    target_id bigint, amount bigint, fee bigint, from_wallet_id bigint, currency text,
    actor_id bigint, correlation_id text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    escrow_wallet_id bigint := open_wallet('escrow', NULL, NULL, currency);
BEGIN
    INSERT INTO escrows (campaign_target_id, wallet_id, amount, fee)
    VALUES (target_id, escrow_wallet_id, hold_price.amount, hold_price.fee);
    PERFORM post_transfer(
        'escrow_hold:' || target_id, 'escrow_hold', target_id,
        ARRAY[from_wallet_id, escrow_wallet_id], ARRAY[-amount, amount],
        '{escrow_hold,escrow_hold}', actor_id, correlation_id);
END $$
