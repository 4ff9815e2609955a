-- Trigger `received` of deposits, and constraint trigger `known_outside` of clawbacks, at commit.
-- Requires that Telegram has reported this payment or refund with the same charge id, amount (minor
-- units) and currency. The person of a deposit must be the person in the report. The reports are in
-- `received_payments`; of the logins, only `adtech_intake` can write there. A clawback without a
-- report of a refund needs a staff request that two admins have decided (for example after the bank
-- wrote about a chargeback).
-- Locks: nothing. Raises: AD044 (deposit), AD045 (clawback).
CREATE OR REPLACE FUNCTION require_received_payment() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    -- The columns of the two tables differ, so each has a statement of its own.
    IF TG_TABLE_NAME = 'deposits' THEN
        IF NOT EXISTS (
            SELECT FROM received_payments said
            JOIN users person ON person.telegram_id = said.telegram_id
            WHERE said.charge_id = NEW.external_reference AND person.id = NEW.user_id
                AND said.amount = NEW.amount AND said.currency = NEW.currency
        ) THEN
            RAISE EXCEPTION 'Telegram has reported no such payment' USING ERRCODE = 'AD044';
        END IF;
    ELSIF NOT EXISTS (
        SELECT FROM received_payments said
        JOIN deposits deposit ON deposit.external_reference = said.charge_id
        WHERE said.kind = 'refund' AND deposit.id = NEW.deposit_id
            AND said.amount = NEW.amount AND said.currency = NEW.currency
    ) AND NOT EXISTS (
        SELECT FROM deposits deposit
        LEFT JOIN received_payments said
            ON said.charge_id = deposit.external_reference AND said.kind = 'payment'
        WHERE deposit.id = NEW.deposit_id
            AND (has_request('clawback', 'charge_id', deposit.external_reference)
                OR has_request('clawback', 'charge_id', deposit.external_reference,
                    'provider_charge_id', said.provider_charge_id))
    ) THEN
        RAISE EXCEPTION 'Telegram has reported no such refund' USING ERRCODE = 'AD045';
    END IF;
    RETURN NULL;
END $$
