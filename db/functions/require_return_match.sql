-- Requires that the return of a deposit (giving a payment in Stars back to its payer) and its transfers say the
-- same: one transfer holds the money at the request, and another one later records that Telegram has refunded
-- the payment, or puts the money back. Both are of the whole amount. Called at commit.
-- Locks: the return, so that two transactions with transfers for it are checked one after the other.
-- Raises: AD195 (no such return, or its end contradicts its status); what `require_legs` raises.
CREATE OR REPLACE FUNCTION require_return_match(return_id bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    given deposit_returns;
    user_wallet_id bigint;
    holding_wallet_id bigint;
    external_wallet_id bigint;
    sent bigint;
    kept bigint;
BEGIN
    SELECT * INTO given FROM deposit_returns WHERE id = return_id FOR NO KEY UPDATE;
    IF given.id IS NULL OR (given.status IN ('done', 'refused')) <> (given.ended_at IS NOT NULL) THEN
        RAISE EXCEPTION 'a transfer of no return of a deposit' USING ERRCODE = 'AD195';
    END IF;
    SELECT id INTO user_wallet_id FROM wallets WHERE user_id = given.user_id AND kind = 'user';
    SELECT id INTO holding_wallet_id FROM wallets
    WHERE user_id = given.user_id AND kind = 'withdrawal';
    SELECT id INTO external_wallet_id FROM wallets
    WHERE counterparty_id = given.user_id AND kind = 'external';
    sent := CASE given.status WHEN 'done' THEN given.amount ELSE 0 END;
    kept := CASE given.status WHEN 'refused' THEN given.amount ELSE 0 END;
    PERFORM require_legs(given.id, '{return_hold,deposit_return,return_refused}',
        '{return_hold,return_hold,deposit_return,deposit_return,return_refused,return_refused}',
        ARRAY[user_wallet_id, holding_wallet_id, holding_wallet_id, external_wallet_id,
            holding_wallet_id, user_wallet_id],
        ARRAY[-given.amount, given.amount, -sent, sent, -kept, kept]);
END $$
