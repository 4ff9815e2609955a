-- Trigger `paid_by_two` of withdrawals, at commit: a withdrawal that nobody has approved is paid only if
-- two admins have decided to record this payment, with the same reference, for this withdrawal.
-- Locks: nothing. Raises: AD060.
CREATE OR REPLACE FUNCTION require_payment_request() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT has_request('record_payment', 'withdrawal_id', NEW.id::text,
        'external_reference', NEW.external_reference)
    THEN
        RAISE EXCEPTION 'two admins record the payment of a withdrawal that nobody has approved'
        USING ERRCODE = 'AD060';
    END IF;
    RETURN NULL;
END $$
