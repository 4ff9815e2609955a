-- Trigger `not_ahead` of post_checks: a check is not recorded before it was made. A check from the
-- future would prove the end of hours that have not passed.
-- Locks: nothing. Raises: AD036.
CREATE OR REPLACE FUNCTION refuse_future_check() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.checked_at > clock() THEN
        RAISE EXCEPTION 'a check of a post is not in the future' USING ERRCODE = 'AD036';
    END IF;
    RETURN NEW;
END $$
