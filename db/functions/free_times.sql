-- Returns the first `wanted` free times of a channel from `after` to `until`, in their order. `step` is null, or
-- the times are multiples of it in the zone of the channel's calendar. `on_top` is how long no other ad may come
-- after the ad. A channel without a calendar has no free times.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION free_times(
    channel_id bigint, after timestamptz, until timestamptz, wanted integer, step interval,
    on_top interval DEFAULT '0'
) RETURNS SETOF timestamptz LANGUAGE plpgsql STABLE AS $$
DECLARE
    calendar channel_calendars;
    at timestamptz := after;
    here timestamp;
    problem record;
    found integer := 0;
BEGIN
    SELECT * INTO calendar FROM channel_calendars known WHERE known.channel_id = free_times.channel_id;
    WHILE calendar.channel_id IS NOT NULL AND found < wanted LOOP
        IF step IS NOT NULL THEN
            here := at AT TIME ZONE calendar.time_zone;
            at := at + (date_bin(step, here + step - interval '1 microsecond', '2000-01-01') - here);
        END IF;
        EXIT WHEN at > until;
        SELECT * INTO problem FROM time_problem(calendar, at, greatest(calendar.gap, on_top));
        IF problem.why IS NULL THEN
            RETURN NEXT at;
            found := found + 1;
        END IF;
        at := coalesce(problem.until, at + coalesce(step, interval '1 minute'));
    END LOOP;
END $$
