-- Returns whether a staff request of this kind was carried out that two different admins have decided
-- (one requested it, and the other confirmed it). The arguments of the request must be exactly
-- `wanted`: names and values in turn, for example 'withdrawal_id', '12', 'external_reference', 'wire-1'.
-- Spaces at the ends of the request's values do not count.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION has_request(request_kind text, VARIADIC wanted text[]) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM staff_requests request
        WHERE request.kind = request_kind AND request.status = 'done'
            AND jsonb_object(wanted) = (
                SELECT jsonb_object_agg(argument.key, btrim(argument.value))
                FROM jsonb_each_text(request.arguments) argument)
            AND 2 = (
                SELECT count(DISTINCT granted.user_id) FROM user_roles granted
                WHERE granted.user_id IN (request.requested_by, request.decided_by)
                    AND granted.role IN ('admin', 'super_admin')))
$$
