-- Triggers `time_kept` and `time_moved` of campaign_targets: keep the publish time that an advertiser has chosen,
-- if the channel has a calendar. A new publish time, or other hours on
-- top, free the earlier time; if it is not free, the whole change
-- is refused. Without a publish time ("as soon as possible"), `keep_next_time` keeps one at the approval.
-- Locks: the calendar of the channel (advisory, 7008). Raises: AD110.
CREATE OR REPLACE FUNCTION keep_time() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    why text;
BEGIN
    UPDATE kept_times SET freed_at = clock()
    WHERE campaign_target_id = NEW.id AND freed_at IS NULL AND TG_OP = 'UPDATE';
    IF NEW.publish_at IS NULL THEN
        RETURN NULL;
    END IF;
    why := check_time(
        NEW.channel_id, NEW.publish_at, make_interval(hours => NEW.hours_on_top::integer));
    IF why IS NOT NULL THEN
        RAISE EXCEPTION 'this time of the channel is not free' 
        USING ERRCODE = 'AD110',
            DETAIL = jsonb_build_object('channel_id', NEW.channel_id, 'why', why);
    END IF;
    PERFORM store_kept_time(NEW.id, NEW.channel_id, NEW.publish_at);
    RETURN NULL;
END $$
