-- Ends the sessions whose locks of whole tables hold up a stop of a kill switch. Returns how many have
-- ended, and how many remain, because the owner may not end them. Such a session is for example a migration
-- or a `LOCK TABLE`: it locks a table that a stop reads or writes, or waits for such a lock, and a session
-- of the application waits behind it. Waits at most 0.3 s for the end of each session.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION end_lock_holders(OUT ended integer, OUT remaining integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_stat_clear_snapshot();
    SELECT count(*) FILTER (WHERE outcome), count(*) FILTER (WHERE NOT outcome)
    INTO ended, remaining FROM (
        SELECT CASE WHEN may_end_sessions_of(holder.usename)
            THEN pg_terminate_backend(holder.pid, 300) ELSE false END AS outcome
        FROM pg_stat_activity holder
        WHERE holder.pid IN (
            SELECT held.pid
            FROM pg_locks waiting
            JOIN pg_locks held ON held.database = waiting.database AND held.relation = waiting.relation
            JOIN pg_stat_activity waiter ON waiter.pid = waiting.pid
            WHERE NOT waiting.granted AND waiting.relation IN (
                    'kill_switches'::regclass, 'switch_stops'::regclass, 'incidents'::regclass,
                    'users'::regclass, 'user_roles'::regclass, 'user_audit_logs'::regclass,
                    'inbox'::regclass, 'outbox'::regclass, 'moved_chats'::regclass)
                AND waiter.usename IN (
                    role_name('app'), role_name('intake'), role_name('bot'), role_name('clock'), role_name('reports'))
                AND held.mode IN (
                    'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
                AND held.pid = ANY (pg_blocking_pids(waiting.pid)))) AS holders;
END $$
