-- Trigger `initial_status`: refuses a new row, because the trigger's WHEN has found that its status
-- is not the one in which rows of its table begin.
-- Locks: nothing. Raises: AD030.
CREATE OR REPLACE FUNCTION refuse_initial_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'no row of % begins as %', TG_TABLE_NAME, NEW.status USING ERRCODE = 'AD030';
END $$
