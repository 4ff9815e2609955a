-- Opens an empty wallet, or finds the one that is there, and returns its id. An escrow wallet is
-- always a new one. A wallet belongs to `user_id`, to the platform with a `counterparty_id`, or
-- (escrow) to neither.
-- Locks: nothing that is there already.
-- Raises: 23514 for a kind or an ownership that no wallet has.
CREATE OR REPLACE FUNCTION open_wallet(
    kind text, user_id bigint, counterparty_id bigint, currency text
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wallet_id bigint;
BEGIN
    INSERT INTO wallets (kind, user_id, counterparty_id, currency)
    VALUES (open_wallet.kind, open_wallet.user_id, open_wallet.counterparty_id,
        open_wallet.currency)
    ON CONFLICT DO NOTHING RETURNING id INTO wallet_id;
    IF wallet_id IS NULL THEN
        SELECT wallet.id INTO wallet_id FROM wallets wallet
        WHERE wallet.kind = open_wallet.kind
            AND wallet.user_id IS NOT DISTINCT FROM open_wallet.user_id
            AND wallet.counterparty_id IS NOT DISTINCT FROM open_wallet.counterparty_id;
    END IF;
    RETURN wallet_id;
END $$
