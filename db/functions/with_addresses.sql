-- Returns an ad in which the addresses of `ad_addresses` are replaced. `addresses` is a JSON object with the new
-- address of each old one; an address that it does not have stays. Everything else stays too.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION with_addresses(ad jsonb, addresses jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT with_linked_addresses(ad, addresses)
    || CASE WHEN addresses ? (ad->>'button_url')
        THEN jsonb_build_object('button_url', addresses->(ad->>'button_url')) ELSE '{}' END
    || CASE WHEN jsonb_typeof(ad->'items') = 'array' THEN jsonb_build_object('items', (
        SELECT coalesce(jsonb_agg(with_linked_addresses(item, addresses) ORDER BY place), '[]')
        FROM jsonb_array_elements(ad->'items') WITH ORDINALITY AS items (item, place)
    )) ELSE '{}' END
$$
