-- Returns null if a channel can keep a time for `length` (the gap of its calendar, or the hours on top of the ad if
-- they are longer): no other ad has its time then, and no earlier ad is closer than the gap. Otherwise returns when
-- the ads after this time leave so much room for the first time.
-- No time is kept for longer than 72 hours (a constraint of the table), so that the index needs to read only
-- this part. The gap may have been another one when a time was kept: the longer one counts.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION taken_until(calendar channel_calendars, at timestamptz, length interval)
RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT CASE WHEN taken.nearest < at + length THEN taken.ends_at END
        FROM (
            SELECT kept.kept_from,
                min(kept.kept_from) FILTER (WHERE kept.ends_at > at) OVER earlier AS nearest,
                max(kept.ends_at) OVER earlier AS ends_at,
                lead(kept.kept_from) OVER earlier AS following
            FROM (
                SELECT kept_from, greatest(kept_until, kept_from + calendar.gap) AS ends_at
                FROM kept_times
                WHERE channel_id = calendar.channel_id AND freed_at IS NULL
                    AND kept_from > at - interval '72 hours'
            ) AS kept
            WINDOW earlier AS (ORDER BY kept.kept_from)
        ) AS taken
        WHERE taken.ends_at > at
            AND (taken.following IS NULL OR taken.following >= taken.ends_at + length)
        ORDER BY taken.kept_from LIMIT 1);
END $$
