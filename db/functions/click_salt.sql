-- Returns the salt with which the addresses of one day (in UTC) are hashed. The first caller's proposal becomes
-- the salt, so that all processes count with the same one. It exists from the day before on; `purge_clicks` deletes
-- it when its day is over.
-- Locks: the row of the day. Raises: AD181.
CREATE OR REPLACE FUNCTION click_salt(for_day date, proposed bytea) RETURNS bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    today date := (clock() AT TIME ZONE 'UTC')::date;
    known bytea;
BEGIN
    IF for_day NOT BETWEEN today AND today + 1 OR length(proposed) <> 32 THEN
        RAISE EXCEPTION 'there is no such salt' USING ERRCODE = 'AD181';
    END IF;
    INSERT INTO click_salts (day, salt) VALUES (for_day, proposed) ON CONFLICT DO NOTHING;
    SELECT salt INTO known FROM click_salts WHERE day = for_day;
    RETURN known;
END $$
