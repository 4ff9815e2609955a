-- Returns an ad with the true address in place of each tracked link of a placement. Links of other placements
-- stay.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION plain_ad(ad jsonb, target_id bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT with_addresses(ad, (
        SELECT coalesce(jsonb_object_agg(link.base || '/r/' || link.token, link.url), '{}')
        FROM tracked_links link WHERE link.campaign_target_id = target_id))
$$
