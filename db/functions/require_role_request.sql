-- Constraint trigger `requested` of user_roles, at commit. Requires a staff request that two people
-- have decided for each role that a person grants and for each role that is taken away. There is one
-- exception: a role of super admin without `granted_by` comes from the setting SUPER_ADMIN_IDS. It is
-- granted and taken away without a request.
-- Locks: nothing. Raises: AD052.
CREATE OR REPLACE FUNCTION require_role_request() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    changed user_roles;
BEGIN
    IF TG_OP = 'DELETE' THEN
        changed := OLD;
    ELSE
        changed := NEW;
    END IF;
    IF NOT (changed.granted_by IS NULL AND (TG_OP = 'INSERT' OR changed.role = 'super_admin'))
        AND NOT EXISTS (
            SELECT FROM staff_requests request
            WHERE request.kind = CASE TG_OP WHEN 'DELETE' THEN 'revoke_role' ELSE 'grant_role' END
                AND request.status = 'done' AND request.subject_id = changed.user_id
                AND request.arguments ->> 'role' = changed.role)
    THEN
        RAISE EXCEPTION 'a role changes only by the decision of two people' USING ERRCODE = 'AD052';
    END IF;
    RETURN NULL;
END $$
