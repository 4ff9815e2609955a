-- Counts clicks on the tracked links of placements. Each element of the arrays is one person on one day (in UTC)
-- and one placement, or all programs (a null hash), with the number of requests. A person's first click of the day
-- counts, the others are repeats. A batch that is sent a second time therefore counts no click twice. Returns how
-- many requests were counted or left out as they should, and how many came too late or for no placement with
-- links that have worked, or are too many for one element (more than 10^9, so that no sum of a day overflows).
-- Locks: the rows of the counted days, by placement and day. Raises: nothing.
CREATE OR REPLACE FUNCTION record_clicks(
    target_ids bigint[], days date[], hashes bytea[], counts bigint[],
    OUT recorded bigint, OUT refused bigint
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    first_day date := ((clock() - interval '6 hours') AT TIME ZONE 'UTC')::date;
    today date := (clock() AT TIME ZONE 'UTC')::date;
BEGIN
    WITH given AS (
        SELECT * FROM unnest(target_ids, days, hashes, counts) AS rows (target_id, day, hash, count)
    ), usable AS (
        SELECT given.* FROM given
        WHERE given.day BETWEEN first_day AND today AND given.count BETWEEN 1 AND 1000000000 AND EXISTS (
            SELECT FROM tracked_links link
            WHERE link.campaign_target_id = given.target_id AND link.works_until IS NOT NULL)
    ), fresh AS (
        INSERT INTO click_hashes (day, campaign_target_id, hash)
        SELECT DISTINCT day, target_id, hash FROM usable WHERE hash IS NOT NULL
        ORDER BY day, target_id, hash
        ON CONFLICT DO NOTHING
        RETURNING day, campaign_target_id AS target_id
    ), first_clicks AS (
        SELECT target_id, day, count(*) AS clicks FROM fresh GROUP BY target_id, day
    ), requests AS (
        SELECT target_id, day, coalesce(sum(count) FILTER (WHERE hash IS NULL), 0) AS bots,
            coalesce(sum(count) FILTER (WHERE hash IS NOT NULL), 0) AS by_people
        FROM usable GROUP BY target_id, day
    ), stored AS (
        INSERT INTO click_days AS known (campaign_target_id, day, clicks, repeats, bots)
        SELECT target_id, day, coalesce(clicks, 0), by_people - coalesce(clicks, 0), bots
        FROM requests LEFT JOIN first_clicks USING (target_id, day)
        ORDER BY target_id, day
        ON CONFLICT (campaign_target_id, day) DO UPDATE
        SET clicks = known.clicks + excluded.clicks, repeats = known.repeats + excluded.repeats,
            bots = known.bots + excluded.bots
    )
    SELECT coalesce(sum(bots + by_people), 0) INTO recorded FROM requests;
    SELECT coalesce(sum(count), 0) - recorded INTO refused FROM unnest(counts) AS count;
END $$
