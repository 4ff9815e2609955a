-- Triggers `written_by_process` of heartbeats and alerts: the login of the bot writes only rows of bots, and the
-- login of the scheduler only rows of schedulers. Otherwise a stolen password of one of them could report that
-- the other one is alive, or that an alert of the other one was sent. The argument is the column that says
-- `bot` or `scheduler`.
-- Locks: nothing. Raises: AD088 (DETAIL is the value of the column).
CREATE OR REPLACE FUNCTION guard_process_row() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    process text := to_jsonb(NEW) ->> TG_ARGV[0];
BEGIN
    IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER')
        OR process = 'bot' AND pg_has_role(current_user, role_name('bot'), 'MEMBER')
        OR process IS DISTINCT FROM 'bot' AND pg_has_role(current_user, role_name('clock'), 'MEMBER')
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'another login writes the rows of this process'
    USING ERRCODE = 'AD088', DETAIL = process;
END $$
