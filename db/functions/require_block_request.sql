-- Trigger `requested` of users, at commit: a person with a staff role is blocked or unblocked only by the
-- decision of two super admins about this person, in the same transaction. The other case is a person
-- whose payment was reversed: the clawback in the same transaction blocks its payer. Either change is an
-- alarm to the admin chat, which the database itself writes.
-- Locks: nothing. Raises: AD082.
CREATE OR REPLACE FUNCTION require_block_request() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    began timestamptz := transaction_timestamp() + (clock() - statement_timestamp());
BEGIN
    IF NOT EXISTS (SELECT FROM user_roles WHERE user_id = NEW.id) THEN
        RETURN NULL;
    END IF;
    IF NOT EXISTS (
        SELECT FROM staff_requests request
        WHERE request.kind = CASE WHEN NEW.blocked THEN 'block_staff' ELSE 'unblock_staff' END
            AND request.subject_id = NEW.id AND request.status = 'done' AND request.decided_at >= began
    ) AND NOT (NEW.blocked AND EXISTS (
        SELECT FROM clawbacks WHERE user_id = NEW.id AND created_at >= began))
    THEN
        RAISE EXCEPTION 'two super admins block or unblock a person with a role'
        USING ERRCODE = 'AD082';
    END IF;
    INSERT INTO outbox (kind, payload, priority)
    VALUES ('staff_blocked',
        jsonb_build_object('telegram_id', NEW.telegram_id, 'blocked', NEW.blocked), 0);
    RETURN NULL;
END $$
