-- Ends the sessions whose locks of whole tables hold up a stop of a kill switch, and returns how many have
-- ended. These are sessions of any login but superusers, for example a migration or a `LOCK TABLE`. Each
-- of them locks a table that a stop reads or writes, or waits for such a lock, and a session of the
-- application waits behind it. Waits at most 0.3 s for the end of each session.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION end_lock_holders() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ended integer;
BEGIN
    PERFORM pg_stat_clear_snapshot();
    SELECT count(*) FILTER (WHERE pg_terminate_backend(holder.pid, 300)) INTO ended
    FROM pg_stat_activity holder JOIN pg_roles login ON login.rolname = holder.usename
    WHERE NOT login.rolsuper AND holder.pid IN (
        SELECT held.pid
        FROM pg_locks waiting
        JOIN pg_locks held ON held.database = waiting.database AND held.relation = waiting.relation
        JOIN pg_stat_activity waiter ON waiter.pid = waiting.pid
        WHERE NOT waiting.granted AND waiting.relation IN (
                'kill_switches'::regclass, 'switch_stops'::regclass, 'incidents'::regclass,
                'users'::regclass, 'user_roles'::regclass, 'user_audit_logs'::regclass,
                'inbox'::regclass, 'outbox'::regclass, 'moved_chats'::regclass)
            AND waiter.usename IN (
                'adtech_app', 'adtech_intake', 'adtech_bot', 'adtech_clock', 'adtech_reports')
            AND held.mode IN (
                'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
            AND held.pid = ANY (pg_blocking_pids(waiting.pid)));
    RETURN ended;
END $$
