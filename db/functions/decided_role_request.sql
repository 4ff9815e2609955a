-- Returns the last request about a person's role that two people have decided, or a row of nulls.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION decided_role_request(person_id bigint, wanted_role text)
RETURNS staff_requests
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT * FROM staff_requests request
    WHERE request.kind IN ('grant_role', 'revoke_role') AND request.subject_id = person_id
        AND request.status = 'done' AND request.arguments ->> 'role' = wanted_role
    ORDER BY request.decided_at DESC, request.id DESC LIMIT 1
$$
