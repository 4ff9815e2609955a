-- Triggers `requested` of user_roles, at commit: a role that a person grants, and every role that
-- is taken away, is what two super admins have decided last about this role of this person. Only the
-- role of a super admin from SUPER_ADMIN_IDS (without `granted_by`) is added and removed without a
-- request, and only in a session of the login `adtech_intake`, which can do it in no other way than by
-- `reconcile_super_admins`.
-- Locks: nothing. Raises: AD052.
CREATE OR REPLACE FUNCTION require_role_request() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    changed user_roles;
    needed text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        changed := OLD;
        needed := 'revoke_role';
    ELSE
        changed := NEW;
        needed := 'grant_role';
    END IF;
    IF changed.granted_by IS NULL AND (TG_OP = 'INSERT' OR changed.role = 'super_admin')
        AND pg_has_role(session_user, 'adtech_intake', 'MEMBER')
    THEN
        RETURN NULL;
    END IF;
    IF (TG_OP = 'INSERT' AND changed.granted_by IS NULL)
        OR (decided_role_request(changed.user_id, changed.role)).kind IS DISTINCT FROM needed
    THEN
        RAISE EXCEPTION 'a role changes only by the decision of two people' USING ERRCODE = 'AD052';
    END IF;
    RETURN NULL;
END $$
