-- Returns the id of the wallet of this kind for this person. If there is none, opens an empty one.
-- A person's own wallet has a `user_id`. A wallet of the platform has a `counterparty_id`. An
-- escrow wallet has neither, and each call for this kind opens another wallet.
-- Locks: no wallet that exists already.
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
