-- Trigger `next_time_kept` of post_jobs: a post without a chosen publish time gets the next free time of its
-- channel, at most seven days ahead, if the channel has a calendar. The post is due at this time.
-- Locks: the calendar of the channel (advisory, 7008). Raises: AD111.
CREATE OR REPLACE FUNCTION keep_next_time() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    at timestamptz;
    on_top interval;
BEGIN
    SELECT make_interval(hours => target.hours_on_top::integer) INTO on_top
    FROM channel_calendars calendar
    JOIN campaign_targets target ON target.channel_id = calendar.channel_id
    WHERE target.id = NEW.campaign_target_id AND target.channel_id = NEW.channel_id
        AND target.publish_at IS NULL;
    IF NOT FOUND THEN
        RETURN NEW;
    END IF;
    PERFORM pg_advisory_xact_lock(7008, hashint8(NEW.channel_id));
    SELECT free INTO at
    FROM free_times(NEW.channel_id, clock(), clock() + interval '7 days', 1, NULL, on_top) AS free;
    IF at IS NULL THEN
        RAISE EXCEPTION 'the channel has no free time in the next days'
        USING ERRCODE = 'AD111', DETAIL = jsonb_build_object('channel_id', NEW.channel_id);
    END IF;
    PERFORM store_kept_time(NEW.campaign_target_id, NEW.channel_id, at);
    NEW.due_at := greatest(NEW.due_at, at);
    RETURN NEW;
END $$
