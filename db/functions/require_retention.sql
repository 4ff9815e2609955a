-- Refuses a retention (how long rows are kept after they have ended) that is shorter than 30 days, so that
-- no login can delete what somebody may still have to look at.
-- Locks: nothing. Raises: AD056.
CREATE OR REPLACE FUNCTION require_retention(keep interval) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF keep IS NULL OR keep < interval '30 days' THEN
        RAISE EXCEPTION 'rows are kept for at least 30 days' USING ERRCODE = 'AD056';
    END IF;
END $$
