-- Deletes updates that were handled more than 48 hours ago, and updates that were parked (kept and not
-- tried again) more than 30 days ago. Parked payments and refunds are never deleted. The times are
-- fixed in this function, so that no login can delete newer updates.
-- Locks: the deleted rows. Raises: nothing.
CREATE OR REPLACE FUNCTION purge_inbox() RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    DELETE FROM inbox WHERE done_at < now() - interval '48 hours';
    DELETE FROM inbox WHERE failed_at < now() - interval '30 days' AND NOT coalesce(
        payload -> 'message' ?| ARRAY['successful_payment', 'refunded_payment'], false);
$$
