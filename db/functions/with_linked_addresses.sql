-- Returns one message of an ad in which the addresses behind its linked words are replaced. `addresses` is that
-- of `with_addresses`.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION with_linked_addresses(message jsonb, addresses jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT message || CASE WHEN jsonb_typeof(message->'entities') = 'array'
        THEN jsonb_build_object('entities', (
            SELECT coalesce(jsonb_agg(
                CASE WHEN entity->>'type' = 'text_link' AND addresses ? (entity->>'url')
                    THEN entity || jsonb_build_object('url', addresses->(entity->>'url'))
                    ELSE entity END ORDER BY place), '[]')
            FROM jsonb_array_elements(message->'entities') WITH ORDINALITY AS entities (entity, place)
        )) ELSE '{}' END
$$
