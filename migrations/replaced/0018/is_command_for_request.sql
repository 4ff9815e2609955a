-- Returns whether the requester has written the command for this request, in the update that is being
-- handled: `/grant 12345 operator why`, `/revoke 12345 operator why` or `/paid 12 reference`. No other
-- request comes from a command.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION is_command_for_request(request staff_requests) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM regexp_match(words_in_update(request.acknowledged_in, request.requested_by),
            '^\s*/(\w+)(?:@\w+)?\s+#?0*(\d+)\s+(.*)$') AS command
        WHERE CASE request.kind
            WHEN 'record_payment' THEN command[1] = 'paid'
                AND command[2] = request.arguments ->> 'withdrawal_id'
                AND starts_with(command[3], request.arguments ->> 'external_reference')
                AND substr(command[3], 1 + length(request.arguments ->> 'external_reference')) !~ '\w'
            ELSE command[1] || '_role' = request.kind
                AND command[2] = (SELECT telegram_id::text FROM users WHERE id = request.subject_id)
                AND split_part(command[3], ' ', 1) = request.arguments ->> 'role'
            END)
$$
