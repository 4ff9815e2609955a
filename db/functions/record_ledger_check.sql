-- Stores the result of a check of the ledger: the number of violations, facts about them, the point where
-- the next check begins, and the start of a check of all rows (null for a smaller check). No login can
-- write a check in another way, and only the scheduler's login may call this function. The trigger
-- `in_the_past` refuses a check that is impossible.
-- Locks: nothing. Raises: what `guard_checkpoint` raises.
CREATE OR REPLACE FUNCTION record_ledger_check(
    violations bigint, details jsonb, progress jsonb, full_since timestamptz
) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO ledger_checkpoints (violations, details, progress, full_since)
    VALUES ($1, $2, $3, $4)
$$
