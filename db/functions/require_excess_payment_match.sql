-- Checks a payment in excess, that is, a payment for a withdrawal that had been paid or returned
-- before. It must have the person and the currency of this withdrawal, the amount that is paid for it (without
-- its fee), and another external reference. Two admins must have decided to record it for this withdrawal. Its transfer must
-- take exactly its amounts. Called at commit.
-- Locks: the withdrawal, so that its status does not change at the same time.
-- Raises: AD051 (no such payment, or it is not that of its withdrawal); what `require_legs` raises.
CREATE OR REPLACE FUNCTION require_excess_payment_match(payment_id bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    payment excess_payments;
    withdrawal withdrawals;
BEGIN
    SELECT * INTO payment FROM excess_payments WHERE id = payment_id;
    SELECT * INTO withdrawal FROM withdrawals WHERE id = payment.withdrawal_id FOR NO KEY UPDATE;
    IF payment.id IS NULL OR withdrawal.status NOT IN ('paid', 'returned')
        OR (payment.user_id, payment.amount, payment.currency)
            IS DISTINCT FROM (withdrawal.user_id, withdrawal.amount - withdrawal.fee, withdrawal.currency)
        OR payment.external_reference IS NOT DISTINCT FROM withdrawal.external_reference
        OR NOT has_request('record_payment', 'withdrawal_id', payment.withdrawal_id::text,
            'external_reference', payment.external_reference)
    THEN
        RAISE EXCEPTION 'a payment in excess and its withdrawal do not match' USING ERRCODE = 'AD051';
    END IF;
    PERFORM require_legs(payment.id, '{excess_payment}',
        '{excess_payment,excess_payment,excess_payment}',
        ARRAY[
            (SELECT id FROM wallets WHERE user_id = payment.user_id AND kind = 'user'),
            (SELECT id FROM wallets WHERE counterparty_id = payment.user_id AND kind = 'loss'),
            (SELECT id FROM wallets WHERE counterparty_id = payment.user_id AND kind = 'external')],
        ARRAY[-payment.recovered, -payment.loss, payment.amount]);
END $$
