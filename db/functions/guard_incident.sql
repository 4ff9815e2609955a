-- Trigger `closed_once` of incidents: a closed incident never changes. An incident may be closed only
-- after a check that read all rows and found no violation. This check began after the incident was opened
-- and after the last correction was done, and no later check found a violation. The person who closes
-- the incident is an operator or a super admin, is not blocked, and has pressed the confirmation in the
-- update that is being handled. For an outage of Telegram (`telegram_down`), none of this is required.
-- Locks: nothing. Raises: AD039 (closed already), AD040 (wrong person, or no such check); what
-- `require_words` raises.
CREATE OR REPLACE FUNCTION guard_incident() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF OLD.closed_at IS NOT NULL THEN
        RAISE EXCEPTION 'a closed incident never changes' USING ERRCODE = 'AD039';
    ELSIF NEW.closed_at IS NULL OR NEW.kind = 'telegram_down' THEN
        RETURN NEW;
    ELSIF NOT EXISTS (
        SELECT FROM user_roles JOIN users person ON person.id = user_roles.user_id
        WHERE user_roles.user_id = NEW.closed_by AND NOT person.blocked
            AND user_roles.role IN ('operator', 'super_admin')
    ) OR NOT EXISTS (
        SELECT FROM ledger_checkpoints
        WHERE violations = 0
            AND full_since >= greatest(NEW.opened_at, (SELECT max(done_at) FROM corrections))
            AND id > (SELECT coalesce(max(id), 0) FROM ledger_checkpoints WHERE violations > 0)
    ) THEN
        RAISE EXCEPTION 'an operator closes an incident after a full check' USING ERRCODE = 'AD040';
    END IF;
    PERFORM require_words(NEW.closed_in, NEW.closed_by, '^incident:close_sure:' || NEW.id || '$');
    RETURN NEW;
END $$
