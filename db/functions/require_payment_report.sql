-- Trigger `reported_payment` of deposits, before a credit: Telegram has reported a payment with this charge
-- id, amount (minor units), currency and person. A report of a refund does not count, although a deposit
-- of an unknown charge may be recorded for it: such a deposit is only taken back.
-- Locks: nothing. Raises: AD076.
CREATE OR REPLACE FUNCTION require_payment_report() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM received_payments said
        JOIN users person ON person.telegram_id = said.telegram_id
        WHERE said.kind = 'payment' AND said.charge_id = NEW.external_reference
            AND person.id = NEW.user_id
            AND said.amount = NEW.amount AND said.currency = NEW.currency
    ) THEN
        RAISE EXCEPTION 'Telegram has reported a refund, and no payment' USING ERRCODE = 'AD076';
    END IF;
    RETURN NEW;
END $$
