-- Adds a number of failures of one kind (a conflict, a deadlock, an approval that took too long) to the
-- count of this minute, by the real clock. Deletes the counts that are older than a day.
-- Locks: the row of the minute. Raises: 23514 for an unknown kind or a number below 1.
CREATE OR REPLACE FUNCTION count_failures(failure text, number bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    DELETE FROM failure_counts WHERE minute < now() - interval '1 day';
    INSERT INTO failure_counts (kind, minute, occurred)
    VALUES (failure, date_trunc('minute', now()), number)
    ON CONFLICT (kind, minute) DO UPDATE
    SET occurred = failure_counts.occurred + greatest(EXCLUDED.occurred, 0);
END $$
