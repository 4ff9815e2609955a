-- Returns the addresses behind the button and behind the linked words of an ad. Addresses that stand in the
-- text as words are left out, because a reader sees them.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION ad_addresses(ad jsonb) RETURNS SETOF text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT ad->>'button_url' WHERE ad->>'button_url' IS NOT NULL
    UNION
    SELECT entity->>'url' FROM jsonb_array_elements(
        CASE WHEN jsonb_typeof(ad->'entities') = 'array' THEN ad->'entities' END) AS entity
    WHERE entity->>'type' = 'text_link' AND entity->>'url' IS NOT NULL
$$
