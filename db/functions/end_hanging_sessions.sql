-- Ends the sessions of the application's logins whose transaction began more than 90 seconds ago, and
-- returns how many have ended. The logins have a limit of 30 seconds for a transaction, but every session
-- may set its own limits to 0. The time is fixed here, so that no login can end younger transactions.
-- The owner's role sees the begin of a transaction as a member of pg_read_all_stats.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION end_hanging_sessions() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_stat_clear_snapshot();
    RETURN end_sessions(ARRAY(
        SELECT activity.pid FROM pg_stat_activity activity
        WHERE activity.datname = current_database()
            AND activity.xact_start < clock_timestamp() - interval '90 seconds'));
END $$
