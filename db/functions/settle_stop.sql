-- Settles the stop of one kill switch (`settle_stops`) for the previous version of the product. Returns how
-- many sessions were ended.
-- Locks: what `settle_stops` locks. Raises: 55P03 if an act that began before the stop may be under way.
CREATE OR REPLACE FUNCTION settle_stop(switch_key text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ended integer;
BEGIN
    SELECT count(*) FILTER (WHERE (holder ->> 'ended')::boolean) INTO ended
    FROM jsonb_array_elements(settle_stops(ARRAY[switch_key])) AS holder;
    IF EXISTS (SELECT FROM kill_switches WHERE key = switch_key AND enabled)
        AND EXISTS (SELECT FROM switch_stops WHERE key = switch_key)
    THEN
        RAISE lock_not_available;
    END IF;
    RETURN ended;
END $$
