-- Trigger `wanted_by_admin` of withdrawals: an admin, who is not its person, decides about a withdrawal, in the
-- update that is being handled. For an approval, `decided_by` has pressed its button. For the record of the
-- payment of an approved withdrawal, an admin has written `/paid`. The money of an approved withdrawal, which
-- somebody may be paying now, comes back only after the button for this or `/return` with a reason. A session
-- that may write updates itself is not asked, because it could invent the press.
-- Locks: nothing. Raises: AD087.
CREATE OR REPLACE FUNCTION require_withdrawal_decision() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    decision text := CASE NEW.status
        WHEN 'approved' THEN format('^withdrawal:approve_sure:%s:', NEW.id)
        WHEN 'paid' THEN format('^\s*/paid(@\w+)?\s+#?0*%s\s', NEW.id)
        ELSE format('^(withdrawal:return:%s:|\s*/return(@\w+)?\s+#?0*%s\s)', NEW.id, NEW.id) END;
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
                AND (NEW.status <> 'approved' OR person.id = NEW.decided_by)
                AND granted.role IN ('admin', 'super_admin')
                AND words_in_update(stored.id, person.id) ~ decision))
    THEN
        RAISE EXCEPTION 'an admin decides about a withdrawal' USING ERRCODE = 'AD087';
    END IF;
    RETURN NEW;
END $$
