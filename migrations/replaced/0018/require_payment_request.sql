-- Trigger `paid_by_two` of withdrawals, at commit: a withdrawal that nobody has approved is paid only if
-- two admins have decided to record this payment, with the same reference, for this withdrawal.
-- Locks: nothing. Raises: AD060.
CREATE OR REPLACE FUNCTION require_payment_request() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT has_request('record_payment', 'external_reference', NEW.external_reference)
        OR NOT EXISTS (
            SELECT FROM staff_requests request
            WHERE request.kind = 'record_payment' AND request.status = 'done'
                AND request.arguments ->> 'withdrawal_id' = NEW.id::text
                AND btrim(request.arguments ->> 'external_reference') = NEW.external_reference)
    THEN
        RAISE EXCEPTION 'two admins record the payment of a withdrawal that nobody has approved'
        USING ERRCODE = 'AD060';
    END IF;
    RETURN NULL;
END $$
