-- Deletes the heartbeats of processes that have shown no sign of life for a day, by the real clock. Each start
-- of a process adds a row. The table has no index for this: it has few rows, and an index on the time of the
-- last heartbeat would have to be written with each heartbeat.
-- Locks: the deleted rows. Raises: nothing.
CREATE OR REPLACE FUNCTION purge_heartbeats() RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    DELETE FROM heartbeats WHERE beat_at < now() - interval '1 day'
$$
