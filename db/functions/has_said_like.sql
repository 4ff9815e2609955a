-- Returns whether a person has pressed a button whose data, or has written a text that, fits this regular
-- expression, in an update that is being handled. Otherwise as `has_said`.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION has_said_like(person_id bigint, pattern text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT pg_has_role(session_user, role_name('intake'), 'MEMBER')
        OR pg_has_role(session_user, current_user, 'MEMBER')
        OR EXISTS (
            SELECT FROM inbox stored
            WHERE stored.done_at IS NULL AND stored.failed_at IS NULL
                AND words_in_update(stored.id, person_id) ~ pattern)
$$
