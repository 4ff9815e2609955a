-- Constraint trigger `young_payouts_stay` of withdrawals with `hold_days`: the balance that a withdrawal left in
-- its person's wallet was at least what had come from payouts younger than `hold_days`. So the oldest money
-- leaves first. Checked at commit, because the money is held after the row is written. The time is that of the
-- hold, which no login of the application chooses.
-- Locks: nothing. Entries never change, and the hold has locked the wallet. Raises: AD123.
CREATE OR REPLACE FUNCTION require_payout_hold() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM ledger_entries hold
        WHERE hold.reference_id = NEW.id AND hold.reason = 'withdrawal_hold' AND hold.amount < 0
            AND hold.balance_after < (
                SELECT coalesce(sum(young.amount), 0) FROM ledger_entries young
                WHERE young.wallet_id = hold.wallet_id AND young.reason = 'payout'
                    AND young.version < hold.version
                    AND young.created_at > hold.created_at - NEW.hold_days * interval '24 hours'))
    THEN
        RAISE EXCEPTION 'payouts that are too young stay in the wallet' USING ERRCODE = 'AD123';
    END IF;
    RETURN NULL;
END $$
