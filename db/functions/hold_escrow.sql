-- Moves the price of a target (a placement) from the advertiser into an escrow: opens a wallet for the
-- escrow, writes the escrow, and posts the transfer into the wallet. The caller has locked the target.
-- The amount and the fee (minor units) come from the target.
-- Locks: the wallets of the advertiser and of the escrow.
-- Raises: what `post_transfer` raises; AD055 if the advertiser has an open loss (`require_no_loss`);
-- 23505 if the target has an escrow.
CREATE OR REPLACE FUNCTION hold_escrow(target_id bigint, actor_id bigint, correlation_id text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    target record;
    escrow_wallet_id bigint;
BEGIN
    SELECT bought.price, div(bought.price::numeric * bought.fee_bps, 10000)::bigint AS fee,
        wallet.id AS advertiser_wallet_id, wallet.currency
    INTO target
    FROM campaign_targets bought
    JOIN campaigns campaign ON campaign.id = bought.campaign_id
    JOIN wallets wallet ON wallet.user_id = campaign.advertiser_id AND wallet.kind = 'user'
    WHERE bought.id = target_id;
    escrow_wallet_id := open_wallet('escrow', NULL, NULL, target.currency);
    INSERT INTO escrows (campaign_target_id, wallet_id, amount, fee)
    VALUES (target_id, escrow_wallet_id, target.price, target.fee);
    PERFORM post_transfer('escrow_hold:' || target_id, 'escrow_hold', target_id,
        ARRAY[target.advertiser_wallet_id, escrow_wallet_id], ARRAY[-target.price, target.price],
        '{escrow_hold,escrow_hold}', actor_id, correlation_id);
END $$
