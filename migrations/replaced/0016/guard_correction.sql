-- Trigger `settled_once` of corrections: a correction that is done or dropped never changes, a
-- confirmation never changes, and what was proposed never changes. (`require_allowed_move` checks
-- which statuses may follow each other.)
-- Locks: nothing. Raises: AD026 (it has ended), AD027 (the confirmation), AD028 (the proposal).
CREATE OR REPLACE FUNCTION guard_correction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status IN ('done', 'dropped') THEN
        RAISE EXCEPTION 'a correction that has ended never changes' USING ERRCODE = 'AD026';
    ELSIF OLD.confirmed_by IS NOT NULL AND (OLD.confirmed_by, OLD.confirm_reason)
        IS DISTINCT FROM (NEW.confirmed_by, NEW.confirm_reason)
    THEN
        RAISE EXCEPTION 'the confirmation of a correction never changes' USING ERRCODE = 'AD027';
    ELSIF (OLD.kind, OLD.wallet_id, OLD.amount, OLD.entry_id, OLD.target_id, OLD.proposed_by,
            OLD.reason) IS DISTINCT FROM (NEW.kind, NEW.wallet_id, NEW.amount, NEW.entry_id,
            NEW.target_id, NEW.proposed_by, NEW.reason)
    THEN
        RAISE EXCEPTION 'what a correction proposes never changes' USING ERRCODE = 'AD028';
    END IF;
    RETURN NEW;
END $$
