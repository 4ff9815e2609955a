-- Returns why a channel with this calendar publishes no ads at a time, whatever ads it has then: `weekday`, `day_off`
-- or `hours`, and the first time at which this reason may have ended (`until`). Both are null while it publishes
-- ads. Hours that end after midnight (`opens_at` is later than `closes_at`) belong to the day on which they began, so
-- that a Friday from 20:00 to 02:00 is closed if Fridays are.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION closed_until(
    calendar channel_calendars, at timestamptz, OUT why text, OUT until timestamptz
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    here timestamp := at AT TIME ZONE calendar.time_zone;
    this_minute integer := extract(hour FROM here) * 60 + extract(minute FROM here);
    is_after_midnight boolean := calendar.opens_at > calendar.closes_at
        AND this_minute <= calendar.closes_at;
    today date := here::date - is_after_midnight::integer;
    this_day timestamptz := here::date::timestamp AT TIME ZONE calendar.time_zone;
    next_day timestamptz := (here::date + 1)::timestamp AT TIME ZONE calendar.time_zone;
    to_opening integer := calendar.opens_at - this_minute;
BEGIN
    until := next_day;
    IF is_after_midnight THEN
        until := date_trunc('minute', at)
            + make_interval(mins => least(calendar.closes_at + 1 - this_minute, 60));
    END IF;
    IF extract(isodow FROM today) <> ALL (calendar.weekdays) THEN
        why := 'weekday';
    ELSIF today = ANY (calendar.days_off) THEN
        why := 'day_off';
    ELSIF to_opening > 0 AND NOT is_after_midnight THEN
        why := 'hours';
        IF next_day - this_day <> interval '1 day' THEN
            -- At the next whole hour, the clocks may be set forward beyond the first minute, or back.
            to_opening := least(to_opening, 60 - this_minute % 60);
        END IF;
        until := date_trunc('minute', at) + make_interval(mins => to_opening);
    ELSIF this_minute > calendar.closes_at AND calendar.opens_at < calendar.closes_at THEN
        why := 'hours';
    END IF;
    until := CASE WHEN why IS NOT NULL THEN greatest(until, at + interval '1 minute') END;
END $$
