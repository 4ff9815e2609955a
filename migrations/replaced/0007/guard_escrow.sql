-- Trigger `settled_once` of escrows: a settled (released or refunded) escrow never changes, and the
-- amount, fee, wallet and target of an escrow never change. (`require_allowed_move` checks which
-- statuses may follow each other.)
-- Locks: nothing. Raises: AD011 (settled), AD025 (amount, fee, wallet or target).
CREATE OR REPLACE FUNCTION guard_escrow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'held' THEN
        RAISE EXCEPTION 'a settled escrow never changes' USING ERRCODE = 'AD011';
    ELSIF (OLD.campaign_target_id, OLD.wallet_id, OLD.amount, OLD.fee)
        IS DISTINCT FROM (NEW.campaign_target_id, NEW.wallet_id, NEW.amount, NEW.fee)
    THEN
        RAISE EXCEPTION 'the terms of an escrow never change' USING ERRCODE = 'AD025';
    END IF;
    RETURN NEW;
END $$
