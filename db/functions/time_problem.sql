-- Returns why a channel with this calendar publishes no ad at a time (`why`), and the first time at which this
-- reason may have ended (`until`). Both are null for a free time. The reasons are those of `closed_until`, `full`
-- (the day has its greatest number of ads) and `taken` (another ad is too close, see `taken_until`).
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION time_problem(
    calendar channel_calendars, at timestamptz, length interval, OUT why text, OUT until timestamptz
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    today date := (at AT TIME ZONE calendar.time_zone)::date;
    this_day timestamptz := today::timestamp AT TIME ZONE calendar.time_zone;
    next_day timestamptz := (today + 1)::timestamp AT TIME ZONE calendar.time_zone;
BEGIN
    SELECT closed.why, closed.until INTO why, until FROM closed_until(calendar, at) AS closed;
    IF why IS NOT NULL THEN
        RETURN;
    END IF;
    IF calendar.ads_a_day <= (
        SELECT count(*) FROM kept_times kept
        WHERE kept.channel_id = calendar.channel_id AND kept.freed_at IS NULL
            AND kept.kept_from >= this_day AND kept.kept_from < next_day)
    THEN
        why := 'full';
        until := next_day;
    ELSE
        until := taken_until(calendar, at, length);
        why := CASE WHEN until IS NOT NULL THEN 'taken' END;
    END IF;
    -- A local time that comes twice, or not at all, must not lead back.
    until := CASE WHEN why IS NOT NULL THEN greatest(until, at + interval '1 minute') END;
END $$
