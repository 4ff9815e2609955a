-- Triggers `counted_from_birth` and `counted_by_advertiser` of campaigns: whether clicks on the ads of a campaign are
-- counted, and through which host their links lead (`link_base`), changes only by a press of its advertiser on
-- exactly this button, in an update that is being handled. A new campaign counts no clicks.
-- Locks: nothing. Raises: AD184.
CREATE OR REPLACE FUNCTION guard_click_count() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT has_said(NEW.advertiser_id, ARRAY[concat_ws(':', 'count_clicks',
        CASE WHEN NEW.link_base IS NULL THEN 'off' ELSE 'on' END, NEW.id)])
    THEN
        RAISE EXCEPTION 'this person has not chosen whether clicks are counted'
        USING ERRCODE = 'AD184';
    END IF;
    RETURN NEW;
END $$
