-- Constraint trigger `matches_ledger` of escrows. Requires at commit that an escrow says the same as
-- its transfers.
-- Locks: nothing. Raises: what `require_escrow_match` raises.
CREATE OR REPLACE FUNCTION check_escrow() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_escrow_match(NEW.campaign_target_id);
    RETURN NULL;
END $$
