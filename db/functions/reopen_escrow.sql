-- Sets a settled (released or refunded) escrow back to `held` and its target back to `approved`, if
-- none of the escrow's money has moved. Only the owner's role may call it. Inside this transaction,
-- the triggers `settled_once` and `allowed_move` of escrows and campaign_targets are disabled.
-- Locks: the target before all else, then the tables escrows and campaign_targets (SHARE ROW
-- EXCLUSIVE), in the order in which every settlement writes them.
-- Raises: AD016 (the escrow is not settled); AD012 or AD017 if any of its money has moved.
CREATE OR REPLACE FUNCTION reopen_escrow(target_id bigint) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM campaign_targets WHERE id = target_id FOR UPDATE;
    ALTER TABLE escrows DISABLE TRIGGER settled_once;
    ALTER TABLE escrows DISABLE TRIGGER allowed_move;
    ALTER TABLE campaign_targets DISABLE TRIGGER allowed_move;
    UPDATE escrows SET status = 'held', settled_at = NULL, returned = 0
    WHERE campaign_target_id = target_id AND status <> 'held';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the escrow is not settled' USING ERRCODE = 'AD016';
    END IF;
    UPDATE campaign_targets SET status = 'approved' WHERE id = target_id;
    SET CONSTRAINTS ALL IMMEDIATE; -- refuses here if any of its money has moved
    ALTER TABLE campaign_targets ENABLE TRIGGER allowed_move;
    ALTER TABLE escrows ENABLE TRIGGER allowed_move;
    ALTER TABLE escrows ENABLE TRIGGER settled_once;
END $$
