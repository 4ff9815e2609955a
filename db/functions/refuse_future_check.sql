-- Trigger `not_ahead` of post_checks: refuses a check of a post whose time is in the future. Such a
-- check would prove that the post stayed for hours that have not passed yet.
-- Locks: nothing. Raises: AD036.
CREATE OR REPLACE FUNCTION refuse_future_check() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.checked_at > clock() THEN
        RAISE EXCEPTION 'a check of a post is not in the future' USING ERRCODE = 'AD036';
    END IF;
    RETURN NEW;
END $$
