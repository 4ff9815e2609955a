-- Trigger `payment_noted` of inbox: stores what an update of Telegram says about a payment or a refund
-- in `received_payments`. `require_received_payment` needs this row as evidence, and the update itself
-- is emptied when it is handled. For a payment, the payer is the sender of the message. For a refund,
-- the payer is the person of the message's private chat. The provider's id of a payment is stored too,
-- because letters about chargebacks name only this id; Telegram's messages about refunds do not have it.
-- So is the payload of the invoice that was paid (128 bytes at most), so that no invoice is paid twice.
-- Content that is no valid payment is skipped without an error, because every update has to be stored.
-- So is an id that is too long for an index.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION note_payment() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    message jsonb := NEW.payload -> 'message';
BEGIN
    INSERT INTO received_payments (kind, charge_id, telegram_id, amount, currency, provider_charge_id,
        invoice)
    SELECT said.kind, said.content ->> 'telegram_payment_charge_id', said.payer::bigint,
        (said.content ->> 'total_amount')::bigint, said.content ->> 'currency',
        CASE WHEN length(said.content ->> 'provider_payment_charge_id') BETWEEN 1 AND 200
            THEN said.content ->> 'provider_payment_charge_id' END,
        CASE WHEN said.kind = 'payment' AND octet_length(said.content ->> 'invoice_payload') <= 128
            THEN said.content ->> 'invoice_payload' END
    FROM (VALUES
        ('payment', message -> 'successful_payment', message #>> '{from,id}'),
        ('refund', message -> 'refunded_payment', message #>> '{chat,id}')
    ) AS said (kind, content, payer)
    WHERE length(said.content ->> 'telegram_payment_charge_id') <= 500
        AND said.content ->> 'currency' IS NOT NULL
        AND said.content ->> 'total_amount' ~ '^[0-9]{1,18}$' AND said.payer ~ '^-?[0-9]{1,18}$'
    ON CONFLICT (kind, charge_id) DO NOTHING;
    RETURN NULL;
END $$
