-- Trigger `initial_status`: refuses a new row that does not have the first status of its table. The
-- WHEN of the trigger has found this.
-- Locks: nothing. Raises: AD030.
CREATE OR REPLACE FUNCTION refuse_initial_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'no row of % begins as %', TG_TABLE_NAME, NEW.status USING ERRCODE = 'AD030';
END $$
