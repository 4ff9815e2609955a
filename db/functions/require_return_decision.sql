-- Trigger `returned_by_admin` of withdrawals: the money of an approved withdrawal, which somebody may be paying
-- now, comes back only if an admin, who is not its person, has pressed the button for this or has written
-- `/return` with a reason, in the update that is being handled. A session that may write updates itself is not
-- asked, because it could invent the press.
-- Locks: nothing. Raises: AD087.
CREATE OR REPLACE FUNCTION require_return_decision() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT (pg_has_role(session_user, role_name('intake'), 'MEMBER')
        OR pg_has_role(session_user, current_user, 'MEMBER')
        OR EXISTS (
            SELECT FROM inbox stored
            JOIN users person ON person.telegram_id::text = coalesce(
                stored.payload #>> '{callback_query,from,id}', stored.payload #>> '{message,from,id}')
            JOIN user_roles granted ON granted.user_id = person.id
            WHERE stored.done_at IS NULL AND stored.failed_at IS NULL
                AND person.id <> NEW.user_id AND NOT person.blocked
                AND granted.role IN ('admin', 'super_admin')
                AND words_in_update(stored.id, person.id) ~ format(
                    '^(withdrawal:return:%s:|\s*/return(@\w+)?\s+#?0*%s\s)', NEW.id, NEW.id)))
    THEN
        RAISE EXCEPTION 'an admin returns the money of an approved withdrawal' USING ERRCODE = 'AD087';
    END IF;
    RETURN NEW;
END $$
