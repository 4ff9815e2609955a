-- Trigger `no_loss` of escrows: refuses a new escrow whose advertiser has an open loss (the platform's
-- loss wallet for this person is below zero, because money that the person had spent was taken back).
-- Whatever writes a loss locks the person's own wallet first, and the trigger locks this wallet before
-- it reads the loss. So a loss that comes first is read here, and a loss that comes later waits for
-- the end of this purchase.
-- Locks: the advertiser's wallet, which `post_transfer` would lock next. The escrow's wallet is newer,
-- so that the wallets are still locked in the order of their ids.
-- Raises: AD055 (DETAIL is JSON with user_id, needed and currency).
CREATE OR REPLACE FUNCTION require_no_loss() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    advertiser_id bigint;
    loss record;
BEGIN
    SELECT wallet.user_id INTO advertiser_id
    FROM campaign_targets target
    JOIN campaigns campaign ON campaign.id = target.campaign_id
    JOIN wallets wallet ON wallet.user_id = campaign.advertiser_id AND wallet.kind = 'user'
    WHERE target.id = NEW.campaign_target_id
    FOR NO KEY UPDATE OF wallet;
    -- A second statement, because it also sees what was committed while the first one waited.
    SELECT -balance AS needed, currency INTO loss
    FROM wallets WHERE counterparty_id = advertiser_id AND kind = 'loss' AND balance < 0;
    IF FOUND THEN
        RAISE EXCEPTION 'an advertiser with an open loss buys nothing' USING ERRCODE = 'AD055',
            DETAIL = json_build_object('user_id', advertiser_id, 'needed', loss.needed,
                'currency', loss.currency)::text;
    END IF;
    RETURN NEW;
END $$
