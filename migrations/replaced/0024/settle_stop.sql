-- Waits until no act is under way that a stopped kill switch forbids, and writes the stop into the row
-- of the switch. A session of the application that holds the switch's lock longer than the limit
-- (0.4 s) is ended. Returns how many sessions were ended; without a stop it does nothing.
-- Locks: the switch (advisory, exclusive), its row. Raises: 55P03 within a second if others than sessions
-- of the application hold the lock; the stop itself stays.
CREATE OR REPLACE FUNCTION settle_stop(switch_key text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '400ms' AS $$
DECLARE
    ended integer := 0;
    ended_now integer;
BEGIN
    IF NOT EXISTS (SELECT FROM switch_stops WHERE key = switch_key) THEN
        RETURN 0;
    END IF;
    -- Acts that waited behind this one get the lock when it gives up; one more attempt waits for them.
    FOR attempt IN 1..5 LOOP
        BEGIN
            PERFORM pg_advisory_xact_lock(7001, hashtext(switch_key));
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            ended_now := end_sessions(ARRAY(
                SELECT held.pid FROM pg_locks held
                WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 2
                    AND held.classid = 7001
                    AND held.objid::bigint = (hashtext(switch_key)::bigint & 4294967295)
                    AND held.database = (
                        SELECT oid FROM pg_database WHERE datname = current_database())));
            -- The first attempt may have waited behind an act that has ended now by itself.
            IF attempt = 5 OR attempt > 1 AND ended_now = 0 THEN
                RAISE;
            END IF;
            ended := ended + ended_now;
        END;
    END LOOP;
    UPDATE kill_switches changed
    SET enabled = false, changed_by = stop.stopped_by, changed_at = stop.created_at,
        reason = stop.reason
    FROM (SELECT * FROM switch_stops WHERE key = switch_key ORDER BY id LIMIT 1) AS stop
    WHERE changed.key = switch_key;
    DELETE FROM switch_stops WHERE key = switch_key;
    RETURN ended;
END $$
