-- Deletes at most `row_limit` messages that were delivered or given up longer ago than `keep`, the oldest
-- first. Returns how many were deleted. It deletes no message about a placement whose money is held, and none
-- while an incident is open. A refusal of a transaction in Stars is kept for ever, because its key says that
-- the transaction needs no more work. With the message, its key is deleted, which keeps a second message from
-- being queued. This does not move money: what causes a message happens once by another rule (a status, a
-- transfer's key). At most somebody is reminded again of something that has lasted for longer than `keep`.
-- It reads the old messages in the order of their index and stops at the limit: a plan that sorts would read
-- the whole backlog in each call. A count and no NOT EXISTS stands in the condition for the same reason.
-- Locks: the deleted rows. Raises: what `require_retention` raises.
CREATE OR REPLACE FUNCTION purge_outbox(keep interval, row_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_sort = off SET enable_bitmapscan = off SET enable_seqscan = off AS $$
DECLARE
    before timestamptz := clock() - keep;
    deleted integer;
BEGIN
    PERFORM require_retention(keep);
    IF is_evidence_needed() THEN
        RETURN 0;
    END IF;
    DELETE FROM outbox WHERE id = ANY (ARRAY(
        SELECT message.id FROM outbox message
        WHERE status IN ('sent', 'failed') AND coalesce(sent_at, due_at) < before
            AND NOT starts_with(coalesce(key, ''), 'star_transaction_refused:')
            AND 0 = (SELECT count(*) FROM escrows held
                WHERE held.status = 'held' AND held.campaign_target_id = CASE
                    WHEN message.payload ->> 'target_id' ~ '^[0-9]{1,18}$'
                    THEN (message.payload ->> 'target_id')::bigint END)
        ORDER BY coalesce(sent_at, due_at) LIMIT row_limit));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END $$
