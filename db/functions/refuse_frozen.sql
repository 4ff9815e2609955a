-- Triggers on columns that must not change, or change only in one direction. The WHEN of the trigger
-- has found a forbidden change, and the function refuses it for every role. DETAIL names the trigger.
-- Locks: nothing. Raises: AD031.
CREATE OR REPLACE FUNCTION refuse_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'this part of a row of % never changes', TG_TABLE_NAME
    USING ERRCODE = 'AD031', DETAIL = TG_NAME;
END $$
