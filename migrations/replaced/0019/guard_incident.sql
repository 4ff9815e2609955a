-- Trigger `closed_once` of incidents: a closed incident never changes. An incident may be closed only
-- after a check that began after the incident was opened, read all rows and found no violation. The
-- person who closes it must be an operator or a super admin, and not blocked. For an outage of
-- Telegram (`telegram_down`), neither is required.
-- Locks: nothing. Raises: AD039 (closed already), AD040 (wrong person, or no such check).
CREATE OR REPLACE FUNCTION guard_incident() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF OLD.closed_at IS NOT NULL THEN
        RAISE EXCEPTION 'a closed incident never changes' USING ERRCODE = 'AD039';
    ELSIF NEW.closed_at IS NOT NULL AND NEW.kind <> 'telegram_down' AND NOT (
        EXISTS (
            SELECT FROM user_roles JOIN users person ON person.id = user_roles.user_id
            WHERE user_roles.user_id = NEW.closed_by AND NOT person.blocked
                AND user_roles.role IN ('operator', 'super_admin'))
        AND EXISTS (
            SELECT FROM ledger_checkpoints
            WHERE full_since >= NEW.opened_at AND violations = 0)
    ) THEN
        RAISE EXCEPTION 'an operator closes an incident after a full check' USING ERRCODE = 'AD040';
    END IF;
    RETURN NEW;
END $$
