-- Locks one wallet until the end of the transaction and returns its balance in minor units, or null
-- for an unknown wallet. A caller needs this function if the amount of its transfer depends on the
-- balance. For all other transfers, the locks of `post_transfer` are enough.
-- Locks: the wallet. Raises: nothing.
CREATE OR REPLACE FUNCTION lock_wallet(wallet_id bigint) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT balance FROM wallets WHERE id = wallet_id FOR NO KEY UPDATE
$$
