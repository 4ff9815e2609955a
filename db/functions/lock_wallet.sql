-- Locks one wallet until the end of the transaction and returns its balance, minor units; null for
-- an unknown wallet. It is for a caller that takes all that is there. `post_transfer` locks the
-- wallets of a transfer itself.
-- Locks: the wallet. Raises: nothing.
CREATE OR REPLACE FUNCTION lock_wallet(wallet_id bigint) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT balance FROM wallets WHERE id = wallet_id FOR NO KEY UPDATE
$$
