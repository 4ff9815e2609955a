-- Counts again what ads have brought in each channel whose ads were clicked or settled since yesterday, and
-- returns how many channels these are. A measured ad is a placement with tracked links whose owner was paid. The
-- price of a click is in minor units, rounded up; it is null while nobody has clicked.
-- Locks: the rows of these channels, by id. Raises: nothing.
CREATE OR REPLACE FUNCTION count_channel_clicks() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    counted integer;
BEGIN
    WITH recent AS (
        SELECT campaign_target_id FROM click_days
        WHERE day >= (clock() AT TIME ZONE 'UTC')::date - 1
        UNION
        SELECT campaign_target_id FROM tracked_links WHERE changed_at > clock() - interval '1 day'
    ), changed AS (
        SELECT DISTINCT target.channel_id
        FROM recent JOIN campaign_targets target ON target.id = recent.campaign_target_id
    ), ads AS (
        SELECT target.channel_id, target.price, coalesce((SELECT sum(day.clicks)
            FROM click_days day WHERE day.campaign_target_id = target.id), 0)::bigint AS clicks
        FROM changed JOIN campaign_targets target ON target.channel_id = changed.channel_id
        WHERE target.link_base IS NOT NULL AND target.status = 'posted' AND EXISTS (
            SELECT FROM tracked_links link
            WHERE link.campaign_target_id = target.id AND link.works_until IS NOT NULL)
    )
    INSERT INTO channel_clicks (channel_id, measured_ads, median_clicks, price_per_click, counted_at)
    SELECT channel_id, count(*), percentile_disc(0.5) WITHIN GROUP (ORDER BY clicks),
        ceil(sum(price) / nullif(sum(clicks), 0)), clock()
    FROM ads GROUP BY channel_id ORDER BY channel_id
    ON CONFLICT (channel_id) DO UPDATE
    SET measured_ads = excluded.measured_ads, median_clicks = excluded.median_clicks,
        price_per_click = excluded.price_per_click, counted_at = excluded.counted_at;
    GET DIAGNOSTICS counted = ROW_COUNT;
    RETURN counted;
END $$
