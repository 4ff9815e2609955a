-- Triggers on columns that never change, or change only in one direction: refuses the row, because the
-- trigger's WHEN has found such a change. DETAIL names the trigger. It holds for every role.
-- Locks: nothing. Raises: AD031.
CREATE OR REPLACE FUNCTION refuse_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'this part of a row of % never changes', TG_TABLE_NAME
    USING ERRCODE = 'AD031', DETAIL = TG_NAME;
END $$
