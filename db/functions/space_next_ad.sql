-- Trigger `next_ad_spaced` of post_jobs: after a post was published, the next ad of the channel waits for the gap
-- of the calendar and for the hours on top of this one, so that a late post moves the next one. A post that is late by less than a minute moves none,
-- because the kept times have the gap already.
-- Locks: the channel. Raises: nothing.
CREATE OR REPLACE FUNCTION space_next_ad() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE channels channel SET ads_wait_until = clock() - interval '1 minute' + greatest(
        calendar.gap, make_interval(hours => target.hours_on_top::integer))
    FROM channel_calendars calendar, campaign_targets target
    WHERE channel.id = NEW.channel_id AND calendar.channel_id = NEW.channel_id
        AND target.id = NEW.campaign_target_id
        AND greatest(calendar.gap, make_interval(hours => target.hours_on_top::integer))
            > interval '1 minute';
    RETURN NULL;
END $$
