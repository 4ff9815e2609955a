-- Deletes the salts of the days (in UTC) that are over, and up to `row_limit` hashes of days that ended six hours
-- ago or earlier: until then, clicks that waited for the database are still counted. Returns how many hashes were
-- deleted. The daily sums stay.
-- Locks: the deleted rows. Raises: nothing.
CREATE OR REPLACE FUNCTION purge_clicks(row_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    deleted integer;
BEGIN
    DELETE FROM click_salts WHERE day < (clock() AT TIME ZONE 'UTC')::date;
    DELETE FROM click_hashes WHERE (day, campaign_target_id, hash) IN (
        SELECT day, campaign_target_id, hash FROM click_hashes
        WHERE day < ((clock() - interval '6 hours') AT TIME ZONE 'UTC')::date
        ORDER BY day LIMIT row_limit);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END $$
