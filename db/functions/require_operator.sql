-- Requires that a person is an operator or a super admin now, and is not blocked. Null means the
-- system, which is not refused.
-- Locks: nothing. Raises: AD042.
CREATE OR REPLACE FUNCTION require_operator(person_id bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF person_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM user_roles granted JOIN users person ON person.id = granted.user_id
        WHERE granted.user_id = person_id AND NOT person.blocked
            AND granted.role IN ('operator', 'super_admin')
    ) THEN
        RAISE EXCEPTION 'only an operator does this' USING ERRCODE = 'AD042';
    END IF;
END $$
