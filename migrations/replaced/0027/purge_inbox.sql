-- Deletes updates that were handled more than 48 hours ago, and updates that were parked (kept and not
-- tried again) more than 30 days ago or before the last 1,000 parked updates, because strangers can send
-- any number of them. Parked payments and refunds do not count, and are never deleted. The limits are fixed
-- in this function, so that no login can delete other updates.
-- Locks: the deleted rows. Raises: nothing.
CREATE OR REPLACE FUNCTION purge_inbox() RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    DELETE FROM inbox WHERE done_at < now() - interval '48 hours';
    DELETE FROM inbox WHERE NOT coalesce(
            payload -> 'message' ?| ARRAY['successful_payment', 'refunded_payment'], false)
        AND failed_at < greatest(now() - interval '30 days', (
            SELECT kept.failed_at FROM inbox kept
            WHERE kept.failed_at IS NOT NULL AND NOT coalesce(
                kept.payload -> 'message' ?| ARRAY['successful_payment', 'refunded_payment'], false)
            ORDER BY kept.failed_at DESC OFFSET 999 LIMIT 1));
$$
