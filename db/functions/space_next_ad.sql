-- Trigger `next_ad_spaced` of post_jobs: after a post was published, the next ad of the channel waits for the gap
-- of the calendar, so that a late post moves the next one. A post that is late by less than a minute moves none,
-- because the kept times have the gap already.
-- Locks: the channel. Raises: nothing.
CREATE OR REPLACE FUNCTION space_next_ad() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE channels channel SET ads_wait_until = clock() + calendar.gap - interval '1 minute'
    FROM channel_calendars calendar
    WHERE channel.id = NEW.channel_id AND calendar.channel_id = NEW.channel_id
        AND calendar.gap > interval '1 minute';
    RETURN NULL;
END $$
