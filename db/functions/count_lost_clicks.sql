-- Adds a number of clicks that could not be counted to the count of this minute, for the alert. The login that
-- serves the internet may count this kind of failure alone, so that it cannot fake a criterion of a rollback.
-- Locks: the row of the minute. Raises: 23514 for a number below 1.
CREATE OR REPLACE FUNCTION count_lost_clicks(number bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT count_failures('clicks_lost', number)
$$
