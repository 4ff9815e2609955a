-- Trigger `first_format` on `channels`: the columns `price` and `promised_hours` are those of the first format
-- that the channel sells (the first by hours, then by hours on top). If a session writes other values there,
-- they become the channel's only format: the post may be taken down after its hours, and none of them is on
-- top. Without a price, the channel sells nothing.
-- Locks: the formats of the channel. Raises: nothing.
CREATE OR REPLACE FUNCTION keep_first_format() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    present record;
BEGIN
    SELECT price, promised_hours INTO present
    FROM channel_formats WHERE channel_id = NEW.id AND retired_at IS NULL
    ORDER BY promised_hours, hours_on_top, id LIMIT 1;
    IF present.price IS NOT DISTINCT FROM NEW.price
        AND present.promised_hours IS NOT DISTINCT FROM NEW.promised_hours
    THEN
        RETURN NULL;
    END IF;
    UPDATE channel_formats SET retired_at = clock() WHERE channel_id = NEW.id AND retired_at IS NULL;
    IF NEW.price IS NOT NULL AND NEW.promised_hours IS NOT NULL THEN
        INSERT INTO channel_formats (channel_id, price, promised_hours)
        VALUES (NEW.id, NEW.price, NEW.promised_hours);
    END IF;
    RETURN NULL;
END $$
