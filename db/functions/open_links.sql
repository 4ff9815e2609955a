-- Trigger `links_open` of campaign_targets: the tracked links of the ad that an admin has approved work for a
-- year. They stop when the placement is refunded. Links of former versions never work.
-- Locks: the changed links. Raises: nothing.
CREATE OR REPLACE FUNCTION open_links() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE tracked_links link
    SET changed_at = clock(), works_until = CASE WHEN NEW.status = 'refunded' THEN clock()
        ELSE coalesce(link.works_until, clock() + interval '365 days') END
    WHERE link.campaign_target_id = NEW.id
        AND link.base || '/r/' || link.token IN (SELECT ad_addresses(NEW.creative));
    RETURN NULL;
END $$
