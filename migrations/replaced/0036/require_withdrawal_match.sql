-- Requires that a withdrawal and its transfers say the same: one transfer holds the money at the
-- request, and another one later records the payment or returns the money. Called at commit.
-- Locks: the withdrawal, so that two transactions with transfers for it are checked one after the
-- other.
-- Raises: AD022 (no such withdrawal); what `require_legs` raises.
CREATE OR REPLACE FUNCTION require_withdrawal_match(withdrawal_id bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    withdrawal withdrawals;
    user_wallet_id bigint;
    holding_wallet_id bigint;
    external_wallet_id bigint;
    paid bigint;
    returned bigint;
BEGIN
    SELECT * INTO withdrawal FROM withdrawals WHERE id = withdrawal_id FOR NO KEY UPDATE;
    IF withdrawal.id IS NULL THEN
        RAISE EXCEPTION 'a transfer of no withdrawal' USING ERRCODE = 'AD022';
    END IF;
    SELECT id INTO user_wallet_id FROM wallets
    WHERE user_id = withdrawal.user_id AND kind = 'user';
    SELECT id INTO holding_wallet_id FROM wallets
    WHERE user_id = withdrawal.user_id AND kind = 'withdrawal';
    SELECT id INTO external_wallet_id FROM wallets
    WHERE counterparty_id = withdrawal.user_id AND kind = 'external';
    paid := CASE withdrawal.status WHEN 'paid' THEN withdrawal.amount ELSE 0 END;
    returned := CASE withdrawal.status WHEN 'returned' THEN withdrawal.amount ELSE 0 END;
    PERFORM require_legs(withdrawal.id, '{withdrawal_hold,withdrawal,withdrawal_return}',
        '{withdrawal_hold,withdrawal_hold,withdrawal,withdrawal,withdrawal_return,withdrawal_return}',
        ARRAY[user_wallet_id, holding_wallet_id, holding_wallet_id, external_wallet_id,
            holding_wallet_id, user_wallet_id],
        ARRAY[-withdrawal.amount, withdrawal.amount, -paid, paid, -returned, returned]);
END $$
