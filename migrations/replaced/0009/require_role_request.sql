-- Triggers `requested` of user_roles, at commit: a role that a person grants, and every role that
-- is taken away, has a request that two super admins have decided. Only the role of a super admin
-- from SUPER_ADMIN_IDS (without `granted_by`) is added and removed without a request.
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
