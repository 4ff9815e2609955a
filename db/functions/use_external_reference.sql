-- Triggers `uses_reference` and `used_reference` of withdrawals and excess_payments: an external reference
-- (a bank's id of a payment) belongs to one payment, in both tables together. The primary key of
-- `external_references` decides this, also between two transactions at the same time. Spaces at the ends
-- make no other reference. A reference stays used for ever.
-- Locks: the reference, until the end of the transaction. Raises: AD054.
CREATE OR REPLACE FUNCTION use_external_reference() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO external_references (external_reference)
    VALUES (regexp_replace(NEW.external_reference, '^\s+|\s+$', '', 'g'))
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another payment has this external reference' USING ERRCODE = 'AD054';
    END IF;
    RETURN NEW;
END $$
