-- Trigger `about_step` of outbox: a message about a complaint is about a step that was taken. Its key names the step,
-- and its payload the same complaint and the kind of the step (for the staff, the complaint alone). Another login
-- could otherwise write a false message, or one under the key of a step that is to come, which would then not be told.
-- The database itself writes messages under other keys.
-- Locks: nothing. Raises: AD187.
CREATE OR REPLACE FUNCTION guard_complaint_notice() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER')
        OR split_part(NEW.key, ':', 1) = NEW.kind AND EXISTS (
            SELECT FROM complaint_steps step
            WHERE step.id = CASE WHEN split_part(NEW.key, ':', 2) ~ '^\d{1,18}$'
                    THEN split_part(NEW.key, ':', 2)::bigint END
                AND step.complaint_id::text = NEW.payload ->> 'complaint_id'
                AND (NEW.kind = 'complaint_staff' OR step.kind = NEW.payload ->> 'step'))
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a message about a complaint without its step' USING ERRCODE = 'AD187';
END $$
