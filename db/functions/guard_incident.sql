-- Trigger `closed_once`: an incident never opens again. Except for an outage of Telegram, it is
-- closed by an operator or a super admin who is not blocked, after a check that began later read all
-- rows and found nothing.
-- Locks: nothing. Raises: AD039 (closed already), AD040 (who closes it, or no check).
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
