-- Requires that the time for a step of a complaint is between one hour and 30 days. Otherwise a stolen login could end
-- a complaint before anybody can answer, or hold its money for years.
-- Locks: nothing. Raises: AD186.
CREATE OR REPLACE FUNCTION require_complaint_time(step_time interval) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF step_time BETWEEN interval '1 hour' AND interval '30 days' IS NOT TRUE THEN
        RAISE EXCEPTION 'a step of a complaint has between one hour and 30 days'
        USING ERRCODE = 'AD186';
    END IF;
END $$
