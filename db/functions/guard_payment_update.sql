-- Trigger `payment_booked` of inbox: an update about a payment or a refund is marked as handled, or emptied,
-- only if it is in the books. A payment has a deposit with its charge id. The deposit of a refund is taken
-- back or returned. An update that cannot be booked is parked (kept for the staff) instead.
-- Locks: nothing. Raises: AD077.
CREATE OR REPLACE FUNCTION guard_payment_update() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    message jsonb := OLD.payload -> 'message';
BEGIN
    IF EXISTS (
        SELECT FROM deposits
        WHERE external_reference = message #>> '{refunded_payment,telegram_payment_charge_id}'
            AND status IN ('clawed_back', 'returned')
    ) OR message -> 'refunded_payment' IS NULL AND EXISTS (
        SELECT FROM deposits
        WHERE external_reference = message #>> '{successful_payment,telegram_payment_charge_id}'
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a payment that is neither in the books nor parked' USING ERRCODE = 'AD077';
END $$
