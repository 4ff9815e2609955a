-- Triggers on rows with a decision of the staff. The argument of the trigger names the column with the
-- person who decides. This person must be an admin or a super admin now, and not blocked.
-- Locks: nothing. Raises: AD032.
CREATE OR REPLACE FUNCTION require_admin() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM user_roles JOIN users person ON person.id = user_roles.user_id
        WHERE user_roles.user_id = (to_jsonb(NEW) ->> TG_ARGV[0])::bigint
            AND user_roles.role IN ('admin', 'super_admin') AND NOT person.blocked
    ) THEN
        RAISE EXCEPTION 'only an admin decides about a row of %', TG_TABLE_NAME
        USING ERRCODE = 'AD032', DETAIL = TG_ARGV[0];
    END IF;
    RETURN NEW;
END $$
