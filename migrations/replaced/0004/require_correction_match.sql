-- Requires that a correction says the same as its transfer. If the correction is an adjustment or
-- balances an orphan, and is done, the transfer moves exactly its amount. No other correction has a
-- transfer. Called at commit.
-- Locks: the correction, so that two transactions with transfers for it are checked one after the
-- other.
-- Raises: AD023 (no such correction); what `require_legs` raises.
CREATE OR REPLACE FUNCTION require_correction_match(correction_id bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    correction corrections;
BEGIN
    SELECT * INTO correction FROM corrections WHERE id = correction_id FOR NO KEY UPDATE;
    IF correction.id IS NULL THEN
        RAISE EXCEPTION 'an adjustment of no correction' USING ERRCODE = 'AD023';
    END IF;
    PERFORM require_legs(correction.id, '{adjustment}', '{adjustment,adjustment}',
        ARRAY[correction.wallet_id, correction.other_wallet_id],
        CASE WHEN correction.status = 'done' AND correction.kind IN ('adjustment', 'orphan_entry')
            THEN ARRAY[-correction.amount, correction.amount] ELSE '{0,0}' END);
END $$
