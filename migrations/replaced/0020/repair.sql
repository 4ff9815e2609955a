-- Carries out a confirmed correction of the ledger that the ledger's triggers forbid, and marks the
-- correction as done. One person has proposed it, and another has confirmed it. Only the owner's role
-- may call this function: no GRANT exists.
-- Locks: the correction, then what the called function locks.
-- Raises: AD013 (not confirmed), AD066 (confirmed more than 72 hours ago, or by a person who is no admin
-- now, or proposed by such a person); what `reset_balance`, `balance_orphan` and `reopen_escrow` raise.
CREATE OR REPLACE FUNCTION repair(correction_id bigint) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    correction corrections;
BEGIN
    SELECT * INTO correction FROM corrections WHERE id = correction_id FOR UPDATE;
    IF correction.status IS DISTINCT FROM 'confirmed' THEN
        RAISE EXCEPTION 'a repair that two people have not confirmed' USING ERRCODE = 'AD013';
    END IF;
    IF correction.confirmed_at < clock() - interval '72 hours' OR 2 <> (
        SELECT count(DISTINCT person.id) FROM users person JOIN user_roles ON user_id = person.id
        WHERE person.id IN (correction.proposed_by, correction.confirmed_by)
            AND user_roles.role IN ('admin', 'super_admin') AND NOT person.blocked)
    THEN
        RAISE EXCEPTION 'the confirmation of a repair counts no more' USING ERRCODE = 'AD066';
    END IF;
    CASE correction.kind
    WHEN 'balance_reset' THEN PERFORM reset_balance(correction.wallet_id);
    WHEN 'orphan_entry' THEN PERFORM balance_orphan(correction);
    WHEN 'escrow_reversal' THEN PERFORM reopen_escrow(correction.target_id);
    END CASE;
    UPDATE corrections SET status = 'done', done_at = clock() WHERE id = correction_id;
END $$
