-- Returns whether a second admin confirms, in the update that is being handled, the clean-up after a tester
-- that this open request asks for. The second admin is neither the requester nor the tester.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION is_clean_up_confirmed(request staff_requests) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT request.kind = 'clean_up_tester' AND request.status = 'proposed' AND request.acknowledged
        AND EXISTS (
            SELECT FROM inbox stored JOIN users person
                ON person.telegram_id::text = stored.payload #>> '{callback_query,from,id}'
            JOIN user_roles granted ON granted.user_id = person.id
            WHERE stored.done_at IS NULL AND stored.failed_at IS NULL
                AND stored.payload #>> '{callback_query,data}' = 'request:yes_sure:' || request.id
                AND person.id NOT IN (request.requested_by, request.subject_id) AND NOT person.blocked
                AND granted.role IN ('admin', 'super_admin'))
$$
