-- Returns whether a staff request of this kind was carried out that two different admins have decided
-- (one requested it, and the other confirmed it). The argument `argument` of the request must have
-- the value `wanted`.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION has_request(request_kind text, argument text, wanted text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM staff_requests request
        WHERE request.kind = request_kind AND request.status = 'done'
            AND btrim(request.arguments ->> argument) = wanted
            AND 2 = (
                SELECT count(DISTINCT granted.user_id) FROM user_roles granted
                WHERE granted.user_id IN (request.requested_by, request.decided_by)
                    AND granted.role IN ('admin', 'super_admin')))
$$
