-- Returns whether a person has pressed a button with one of these data, or has written one of these texts, in an
-- update that is being handled. A session that may write updates itself is not asked, because it could invent
-- the update.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION has_said(person_id bigint, said text[]) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT pg_has_role(session_user, role_name('intake'), 'MEMBER')
        OR pg_has_role(session_user, current_user, 'MEMBER')
        OR EXISTS (
            SELECT FROM inbox stored
            WHERE stored.done_at IS NULL AND stored.failed_at IS NULL
                AND btrim(regexp_replace(words_in_update(stored.id, person_id), '^beside[|]', ''),
                    E' \t\n\r') = ANY (said))
$$
