-- Constraint triggers `matches_ledger` (of deposits, clawbacks, withdrawals, excess_payments and
-- corrections) and `matches_its_row` (of ledger_transfers). Require at commit that such a row says the
-- same as the transfers that belong to it.
-- Locks: the row (not the transfers). Raises: AD024 (a leg has another reason or reference than its
-- transfer, so that the checks would not find it; only the leg that brings the platform the fee of a paid
-- withdrawal has its own reason); what `require_deposit_match`,
-- `require_withdrawal_match`, `require_excess_payment_match` and `require_correction_match` raise.
CREATE OR REPLACE FUNCTION check_external_transfer() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    CASE TG_TABLE_NAME
    WHEN 'deposits' THEN
        PERFORM require_deposit_match(NEW.id);
    WHEN 'clawbacks' THEN
        PERFORM require_deposit_match(NEW.deposit_id);
    WHEN 'withdrawals' THEN
        PERFORM require_withdrawal_match(NEW.id);
    WHEN 'excess_payments' THEN
        PERFORM require_excess_payment_match(NEW.id);
    WHEN 'corrections' THEN
        PERFORM require_correction_match(NEW.id);
    WHEN 'ledger_transfers' THEN
        IF EXISTS (
            SELECT FROM ledger_entries entry JOIN wallets wallet ON wallet.id = entry.wallet_id
            WHERE entry.transfer_id = NEW.id
                AND (entry.reason, entry.reference_id) IS DISTINCT FROM (
                    CASE WHEN NEW.reason = 'withdrawal' AND wallet.kind = 'revenue'
                    THEN 'withdrawal_fee' ELSE NEW.reason END, NEW.reference_id))
        THEN
            RAISE EXCEPTION 'a leg under another name than its transfer' USING ERRCODE = 'AD024';
        END IF;
        IF NEW.reason = 'deposit' THEN
            PERFORM require_deposit_match(NEW.reference_id);
        ELSIF NEW.reason = 'clawback' THEN
            PERFORM require_deposit_match(
                (SELECT deposit_id FROM clawbacks WHERE id = NEW.reference_id));
        ELSIF NEW.reason = 'excess_payment' THEN
            PERFORM require_excess_payment_match(NEW.reference_id);
        ELSIF NEW.reason = 'adjustment' THEN
            PERFORM require_correction_match(NEW.reference_id);
        ELSE
            PERFORM require_withdrawal_match(NEW.reference_id);
        END IF;
    END CASE;
    RETURN NULL;
END $$
