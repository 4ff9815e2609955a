-- Ends those of the sessions with these process ids that belong to a login (database role) of the
-- application. Waits at most 0.3 s for the end of each session, and returns how many have ended. The
-- session that calls this function is never ended.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION end_sessions(pids integer[]) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ended integer;
BEGIN
    PERFORM pg_stat_clear_snapshot();
    SELECT count(*) FILTER (WHERE CASE WHEN may_end_sessions_of(activity.usename)
        THEN pg_terminate_backend(activity.pid, 300) ELSE false END) INTO ended
    FROM pg_stat_activity activity
    WHERE activity.pid = ANY (pids) AND activity.pid <> pg_backend_pid() AND activity.usename IN (
        role_name('app'), role_name('intake'), role_name('bot'), role_name('clock'), role_name('reports'),
        role_name('redirect'));
    RETURN ended;
END $$
