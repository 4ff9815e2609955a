-- Triggers `written_by_database` and `written_by_clock` of outbox: some kinds of messages are written by database functions alone, and some
-- only by the scheduler's login. Another login could otherwise write a false one first, under the key of the
-- true one, which would then not be sent.
-- Locks: nothing. Raises: AD078 (DETAIL is the kind).
CREATE OR REPLACE FUNCTION guard_notice() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER')
        OR TG_ARGV[0] = 'clock' AND pg_has_role(current_user, 'adtech_clock', 'MEMBER')
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'another login writes this kind of message'
    USING ERRCODE = 'AD078', DETAIL = NEW.kind;
END $$
