-- Ends the sessions that hold the locks or the rows of kill switches. Returns a list of these sessions: process
-- id, login (database role), program, since how many seconds the transaction is open or the session is idle, and whether the session
-- was told to end. A superuser's session is not, nor one that the owner may not end (`may_end_sessions_of`). Waits at most 0.3 s for the end of these sessions.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION end_switch_holders(switch_keys text[]) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    holders jsonb;
BEGIN
    PERFORM pg_stat_clear_snapshot();
    holders := (
        SELECT coalesce(jsonb_agg(jsonb_build_object('pid', holder.pid, 'login', holder.usename,
            'program', coalesce(holder.application_name, ''),
            'seconds', extract(epoch FROM clock_timestamp()
                - coalesce(holder.xact_start, holder.state_change, clock_timestamp())),
            'ended', CASE WHEN may_end_sessions_of(holder.usename)
                THEN pg_terminate_backend(holder.pid) ELSE false END)), '[]')
        FROM pg_stat_activity holder
        WHERE holder.pid <> pg_backend_pid() AND holder.pid IN (
            SELECT held.pid FROM pg_locks held
            WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 2
                AND held.classid = 7001
                AND held.objid::bigint IN (
                    SELECT hashtext(key)::bigint & 4294967295 FROM unnest(switch_keys) AS key)
                AND held.database = (
                    SELECT oid FROM pg_database WHERE datname = current_database())
            UNION ALL
            -- The last transaction that has locked or changed a row, if it has not ended.
            SELECT changing.pid
            FROM kill_switches switch
            JOIN pg_locks changing ON changing.locktype = 'transactionid' AND changing.granted
                AND changing.transactionid = switch.xmax
            WHERE switch.key = ANY (switch_keys)));
    FOR attempt IN 1..30 LOOP
        PERFORM pg_stat_clear_snapshot();
        EXIT WHEN NOT EXISTS (
            SELECT FROM pg_stat_activity
            WHERE holders @> jsonb_build_array(jsonb_build_object('pid', pid, 'ended', true)));
        PERFORM pg_sleep(0.01);
    END LOOP;
    RETURN holders;
END $$
