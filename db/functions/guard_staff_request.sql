-- Trigger `signed` of staff_requests: each person signs in an update that Telegram delivered. The requester
-- wrote the command in the admin chat, or has pressed "That was me". Whoever confirms or refuses a
-- request has pressed that button of this request. At the end, the requester and the second person have a
-- role that allows the act, and are not blocked. Only the system drops a request without a press. The time
-- of the decision is the database's own, whatever time the statement names.
-- Locks: nothing. Raises: AD062 (a role is missing), AD063 (the command asks for something else); what
-- `require_words` raises.
CREATE OR REPLACE FUNCTION guard_staff_request() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    people bigint[] := ARRAY[NEW.requested_by, NEW.decided_by];
    allowed text[] := CASE
        WHEN NEW.kind IN ('grant_role', 'revoke_role', 'block_staff', 'unblock_staff')
            THEN '{super_admin}'
        WHEN NEW.kind IN ('run_switch', 'retry_payment', 'launch') THEN '{operator,super_admin}'
        ELSE '{admin,super_admin}' END;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.acknowledged AND NOT is_command_for_request(NEW) THEN
            RAISE EXCEPTION 'the requester has not written this request' USING ERRCODE = 'AD063';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.acknowledged AND NOT OLD.acknowledged THEN
        PERFORM require_words(NEW.acknowledged_in, NEW.requested_by, '^request:mine:' || NEW.id || '$');
    END IF;
    IF NEW.status = OLD.status THEN
        RETURN NEW;
    END IF;
    -- The moment of the move, and not of the statement, which may have begun long before.
    NEW.decided_at := clock_timestamp() + (clock() - statement_timestamp());
    IF NEW.status = 'dropped' AND NEW.decided_by IS NULL THEN
        RETURN NEW;
    END IF;
    PERFORM require_words(NEW.decided_in, NEW.decided_by, '^request:' || CASE
        WHEN NEW.status = 'dropped' THEN '(not_mine|no_sure)'
        WHEN NEW.decided_by = NEW.requested_by THEN 'mine'
        ELSE 'yes_sure' END || ':' || NEW.id || '$');
    IF NEW.status = 'done' AND EXISTS (
        SELECT FROM unnest(people) AS person_id
        WHERE NOT EXISTS (
            SELECT FROM user_roles granted JOIN users person ON person.id = granted.user_id
            WHERE granted.user_id = person_id AND granted.role = ANY (allowed) AND NOT person.blocked)
    ) THEN
        RAISE EXCEPTION 'a person of the request lacks the role' USING ERRCODE = 'AD062';
    END IF;
    RETURN NEW;
END $$
