-- Returns why a channel publishes no ad at a time (the reasons of `time_problem`), or null if the time is free or
-- the channel has no calendar. Until the end of the transaction, nobody else keeps a time of this channel.
-- `on_top` is how long no other ad may come after the ad.
-- Locks: the calendar of the channel (advisory, 7008). Raises: nothing.
CREATE OR REPLACE FUNCTION check_time(
    channel_id bigint, at timestamptz, on_top interval DEFAULT '0'
) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7008, hashint8(channel_id));
    RETURN (SELECT problem.why
        FROM channel_calendars calendar CROSS JOIN LATERAL time_problem(
            calendar, at, greatest(calendar.gap, on_top)) AS problem
        WHERE calendar.channel_id = check_time.channel_id);
END $$
