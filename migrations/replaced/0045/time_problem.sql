-- Returns why a channel with this calendar publishes no ad at a time (`why`), and the first time at which this
-- reason may have ended (`until`). Both are null for a free time. The reasons are `weekday`, `day_off`, `hours`,
-- `full` (the day has its greatest number of ads) and `taken` (another ad is too close, see `taken_until`).
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION time_problem(
    calendar channel_calendars, at timestamptz, length interval, OUT why text, OUT until timestamptz
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    here timestamp := at AT TIME ZONE calendar.time_zone;
    today date := here::date;
    this_minute integer := extract(hour FROM here) * 60 + extract(minute FROM here);
    this_day timestamptz := today::timestamp AT TIME ZONE calendar.time_zone;
    next_day timestamptz := (today + 1)::timestamp AT TIME ZONE calendar.time_zone;
    to_opening integer := calendar.opens_at - this_minute;
BEGIN
    until := next_day;
    IF extract(isodow FROM here) <> ALL (calendar.weekdays) THEN
        why := 'weekday';
    ELSIF today = ANY (calendar.days_off) THEN
        why := 'day_off';
    ELSIF to_opening > 0 THEN
        why := 'hours';
        IF next_day - this_day <> interval '1 day' THEN
            -- At the next whole hour, the clocks may be set forward beyond the first minute, or back.
            to_opening := least(to_opening, 60 - this_minute % 60);
        END IF;
        until := date_trunc('minute', at) + make_interval(mins => to_opening);
    ELSIF this_minute > calendar.closes_at THEN
        why := 'hours';
    ELSIF calendar.ads_a_day <= (
        SELECT count(*) FROM kept_times kept
        WHERE kept.channel_id = calendar.channel_id AND kept.freed_at IS NULL
            AND kept.kept_from >= this_day AND kept.kept_from < next_day)
    THEN
        why := 'full';
    ELSE
        until := taken_until(calendar, at, length);
        why := CASE WHEN until IS NOT NULL THEN 'taken' END;
    END IF;
    -- A local time that comes twice, or not at all, must not lead back.
    until := CASE WHEN why IS NOT NULL THEN greatest(until, at + interval '1 minute') END;
END $$
