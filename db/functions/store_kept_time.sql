-- Keeps a time of a channel for a placement, until the gap of the channel's calendar and the
-- hours on top of the placement (at most 72) are over. A time that the
-- placement had before is replaced. Nothing is kept if the channel has no calendar. The caller has checked under
-- the lock of the calendar that the time is free; the constraint `no_two_ads_at_once` refuses any other.
-- Locks: the kept time of the placement. Raises: nothing.
CREATE OR REPLACE FUNCTION store_kept_time(target_id bigint, channel_id bigint, at timestamptz)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO kept_times (campaign_target_id, channel_id, kept_from, kept_until)
    SELECT target_id, calendar.channel_id, at, at + greatest(calendar.gap,
        make_interval(hours => least(target.hours_on_top, 72)::integer))
    FROM channel_calendars calendar JOIN campaign_targets target ON target.id = target_id
    WHERE calendar.channel_id = store_kept_time.channel_id
    ON CONFLICT (campaign_target_id) DO UPDATE
    SET kept_from = EXCLUDED.kept_from, kept_until = EXCLUDED.kept_until, freed_at = NULL
$$
