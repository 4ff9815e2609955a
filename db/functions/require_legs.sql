-- Requires that the transfers with these reasons and this reference have exactly the expected legs.
-- The arrays have one element for each expected leg. An amount of 0 means that no such leg is
-- expected. An orphan (an entry without a second leg) that a correction has balanced does not count,
-- and neither does the leg that completed its transfer.
-- Locks: nothing.
-- Raises: AD020 (DETAIL names the reasons and the reference).
CREATE OR REPLACE FUNCTION require_legs(
    reference bigint, of_reasons text[],
    reasons text[], wallet_ids bigint[], amounts bigint[]
) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        WITH posted AS (
            SELECT transfer.reason::text, entry.wallet_id, entry.amount
            FROM ledger_transfers transfer
            JOIN explained_entries entry ON entry.transfer_id = transfer.id
            WHERE transfer.id IN (
                    SELECT leg.transfer_id FROM ledger_entries leg
                    WHERE leg.reference_id = reference AND leg.reason = ANY (of_reasons))
                AND transfer.reference_id = reference AND transfer.reason = ANY (of_reasons)
                AND (entry.reason <> 'adjustment' OR transfer.reason = 'adjustment')
        ), expected AS (
            SELECT * FROM unnest(reasons, wallet_ids, amounts) AS leg (reason, wallet_id, amount)
            WHERE amount <> 0
        )
        (TABLE posted EXCEPT ALL TABLE expected) UNION ALL (TABLE expected EXCEPT ALL TABLE posted)
    ) THEN
        RAISE EXCEPTION 'a transfer does not match the row that it belongs to' USING
            ERRCODE = 'AD020', DETAIL = format('%s of %s', of_reasons, reference);
    END IF;
END $$
