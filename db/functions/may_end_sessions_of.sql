-- Returns whether the caller may end the sessions of a login: not those of a superuser, and those of others only
-- as a member of the login or of pg_signal_backend. Some hosting providers give nobody that membership.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION may_end_sessions_of(login name) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT NOT rolsuper AND (pg_has_role(oid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE'))
    FROM pg_roles WHERE rolname = login
$$
