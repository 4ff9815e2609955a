-- Requires that a deposit, its clawback or return, and their transfers say the same, in the currency of the
-- person's wallet. Called at commit.
-- Locks: the deposit, so that two transactions that post for one deposit check one after the other.
-- Raises: AD021 (no such deposit, or its status, times, currency, clawback or return contradict each
-- other);
-- what `require_legs` raises.
CREATE OR REPLACE FUNCTION require_deposit_match(checked_deposit_id bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    deposit deposits;
    clawback clawbacks;
    user_wallet wallets;
    external_wallet_id bigint;
BEGIN
    SELECT * INTO deposit FROM deposits WHERE id = checked_deposit_id FOR NO KEY UPDATE;
    SELECT * INTO clawback FROM clawbacks WHERE deposit_id = checked_deposit_id;
    SELECT * INTO user_wallet FROM wallets
    WHERE user_id = deposit.user_id AND kind = 'user';
    IF deposit.id IS NULL OR deposit.currency IS DISTINCT FROM user_wallet.currency
        OR (clawback.id IS NOT NULL) <> (deposit.status = 'clawed_back')
        OR (deposit.status = 'returned') <> EXISTS (
            SELECT FROM deposit_returns WHERE deposit_id = deposit.id AND status = 'done')
        OR (deposit.status IN ('credited', 'returned') AND deposit.credited_at IS NULL)
        OR (deposit.status = 'received' AND deposit.credited_at IS NOT NULL)
        OR (clawback.id IS NOT NULL
            AND (clawback.user_id, clawback.amount, clawback.currency,
                clawback.recovered + clawback.loss)
            IS DISTINCT FROM (deposit.user_id, deposit.amount, deposit.currency,
                CASE WHEN deposit.credited_at IS NULL THEN 0 ELSE deposit.amount END))
    THEN
        RAISE EXCEPTION 'a deposit and its clawback do not match' USING ERRCODE = 'AD021';
    END IF;
    SELECT id INTO external_wallet_id FROM wallets
    WHERE counterparty_id = deposit.user_id AND kind = 'external';
    PERFORM require_legs(deposit.id, '{deposit}', '{deposit,deposit}',
        ARRAY[user_wallet.id, external_wallet_id],
        CASE WHEN deposit.credited_at IS NULL
            THEN '{0,0}' ELSE ARRAY[deposit.amount, -deposit.amount] END);
    IF clawback.id IS NOT NULL THEN
        PERFORM require_legs(clawback.id, '{clawback}', '{clawback,clawback,clawback}',
            ARRAY[user_wallet.id, (SELECT id FROM wallets
                WHERE counterparty_id = deposit.user_id AND kind = 'loss'), external_wallet_id],
            ARRAY[-clawback.recovered, -clawback.loss, clawback.recovered + clawback.loss]);
    END IF;
END $$
