-- Returns an ad with a tracked link in place of each web address of `ad_addresses`, and stores the new links. The
-- same address of a placement always has the same link, so that a new version changes no more than its author
-- did. Other addresses, for example tg://, stay. A link has 126 random bits, and does not work before an admin has
-- approved the placement (`open_links`).
-- Locks: nothing; the caller has locked the placement, or inserts it. Raises: nothing.
CREATE OR REPLACE FUNCTION tracked_ad(ad jsonb, target_id bigint, base text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    plain jsonb := plain_ad(ad, target_id);
BEGIN
    INSERT INTO tracked_links (token, campaign_target_id, base, url)
    SELECT translate(left(encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'base64'),
        22), '+/', '-_'), target_id, tracked_ad.base, address
    FROM ad_addresses(plain) AS address
    WHERE address ~* '^https?://' AND NOT EXISTS (
        SELECT FROM tracked_links link
        WHERE link.campaign_target_id = target_id AND link.url = address);
    RETURN with_addresses(plain, (
        SELECT coalesce(jsonb_object_agg(link.url, link.base || '/r/' || link.token), '{}')
        FROM tracked_links link WHERE link.campaign_target_id = target_id));
END $$
