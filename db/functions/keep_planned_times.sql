-- Trigger `planned_times_kept` of channel_calendars: when a channel gets its calendar, the times of its placements
-- that are still to be published are kept. Of two that are too close, the time of the older placement is kept.
-- Locks: nothing, because the channel may be locked already, and its lock comes last. So the time of a placement
-- that is submitted at the same moment may stay unkept. Raises: nothing.
CREATE OR REPLACE FUNCTION keep_planned_times() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO kept_times (campaign_target_id, channel_id, kept_from, kept_until)
    SELECT target.id, NEW.channel_id, planned.at, planned.at + greatest(NEW.gap,
        make_interval(hours => least(target.hours_on_top, 72)::integer))
    FROM campaign_targets target
    LEFT JOIN post_jobs job ON job.campaign_target_id = target.id
    CROSS JOIN LATERAL (SELECT greatest(target.publish_at, job.due_at) AS at) AS planned
    WHERE target.channel_id = NEW.channel_id AND planned.at > clock()
        AND (target.status = 'pending' OR target.status = 'approved' AND job.status = 'queued')
    ORDER BY target.id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
