-- Waits until no act is under way that stopped kill switches forbid, and writes the stops into the rows of the
-- switches. A session that holds the lock or the row of a switch longer than the limit (0.4 s) is ended,
-- unless it belongs to a superuser. Returns a list of these sessions, as `end_switch_holders` does. A stop that
-- cannot be settled stays in `switch_stops`; a key without a stop is skipped. One call runs at a time: the next
-- one waits for it, so that no call ends the session of another one that still waits.
-- Locks: the settling of stops (advisory, exclusive), the switches in the order of their keys (advisory,
-- exclusive), each with its row.
-- Raises: 55P03 if a superuser's session settles stops and does not end.
CREATE OR REPLACE FUNCTION settle_stops(switch_keys text[]) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '400ms' AS $$
DECLARE
    stopped_key text;
    found jsonb;
    holders jsonb := '[]';
BEGIN
    IF NOT EXISTS (SELECT FROM switch_stops WHERE key = ANY (switch_keys)) THEN
        RETURN holders;
    END IF;
    FOR attempt IN 1..2 LOOP
        BEGIN
            PERFORM set_config('lock_timeout', '1s', true), pg_advisory_xact_lock(7006);
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF attempt = 2 THEN
                RAISE;
            END IF;
            PERFORM end_sessions(ARRAY(
                SELECT held.pid FROM pg_locks held
                WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
                    AND held.classid = 0 AND held.objid = 7006
                    AND held.database = (
                        SELECT oid FROM pg_database WHERE datname = current_database())));
        END;
    END LOOP;
    PERFORM set_config('lock_timeout', '400ms', true);
    FOR stopped_key IN
        SELECT DISTINCT key FROM switch_stops WHERE key = ANY (switch_keys) ORDER BY key
    LOOP
        -- Acts that waited behind this one get the lock when it gives up; the next attempt waits for them.
        FOR attempt IN 1..5 LOOP
            BEGIN
                PERFORM pg_advisory_xact_lock(7001, hashtext(stopped_key));
                UPDATE kill_switches changed
                SET enabled = false, changed_by = stop.stopped_by, changed_at = stop.created_at,
                    reason = stop.reason
                FROM (
                    SELECT * FROM switch_stops WHERE key = stopped_key ORDER BY id LIMIT 1
                ) AS stop
                WHERE changed.key = stopped_key;
                DELETE FROM switch_stops WHERE key = stopped_key;
                EXIT;
            EXCEPTION WHEN lock_not_available THEN
                found := end_switch_holders(switch_keys);
                holders := holders || found;
                IF found @> '[{"ended": false}]' THEN
                    -- This session never ends, so that no more time is spent on it.
                    PERFORM set_config('lock_timeout', '20ms', true);
                END IF;
                -- The first attempt may have waited behind an act that has ended now by itself.
                EXIT WHEN attempt > 1 AND NOT found @> '[{"ended": true}]';
            END;
        END LOOP;
    END LOOP;
    RETURN holders;
END $$
