-- Trigger `told` of audit_chain_files: writes the audit row about a new file of the audit chain, and
-- queues the alarm about it to the admin chat. A new file is filled from the database, so nobody may
-- begin one in silence. The person who has allowed it must be an operator or a super admin.
-- Locks: nothing. Raises: AD042.
CREATE OR REPLACE FUNCTION tell_audit_chain_file() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.added_by IS NOT NULL THEN
        PERFORM require_operator(NEW.added_by);
    END IF;
    INSERT INTO user_audit_logs (action, user_id, role, metadata)
    VALUES ('audit_chain_file_added', NEW.added_by, coalesce((SELECT max(granted.role)
        FROM user_roles granted WHERE granted.user_id = NEW.added_by), 'system'),
        jsonb_build_object('file', NEW.name));
    INSERT INTO outbox (kind, payload, priority)
    VALUES ('audit_chain_file_added', jsonb_build_object('file', NEW.name,
        'user_id', NEW.added_by), 0);
    RETURN NULL;
END $$
