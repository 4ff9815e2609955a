-- Returns what a person has pressed (the data of the button) or written in one update, while the update
-- is being handled: neither handled already nor parked. Null if the update is another person's, or if
-- the person has forwarded the words or has them from another bot. Only the login `adtech_intake` adds
-- updates, so no other login can speak in the name of a person.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION words_in_update(inbox_id bigint, person_id bigint) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(stored.payload #>> '{callback_query,data}',
        stored.payload #>> '{message,text}', stored.payload #>> '{message,caption}')
    FROM inbox stored JOIN users person ON person.id = person_id
    WHERE stored.id = inbox_id AND stored.done_at IS NULL AND stored.failed_at IS NULL
        AND person.telegram_id::text = coalesce(stored.payload #>> '{callback_query,from,id}',
            stored.payload #>> '{message,from,id}')
        AND NOT coalesce(stored.payload -> 'message'
            ?| ARRAY['forward_origin', 'via_bot', 'sender_chat'], false)
$$
