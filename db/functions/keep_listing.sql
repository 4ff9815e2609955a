-- Triggers `channel_listed` of channels and `format_listed` of channel_formats: write the row of the channel in
-- `listings` again. The daily reading of the channel's facts changes `facts_at`, so that the growth and the record of
-- a listing are at most a day old.
-- Locks: the listing. The session that changes a format has locked its channel. Raises: nothing.
CREATE OR REPLACE FUNCTION keep_listing() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'channels' THEN
        PERFORM refresh_listing(NEW.id);
    ELSE
        PERFORM refresh_listing(NEW.channel_id);
    END IF;
    RETURN NULL;
END $$
