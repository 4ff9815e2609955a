-- Triggers `append_only` and `never_deleted`: refuse the statement, whichever role runs it.
-- `append_only` protects rows from every change, `never_deleted` only from deletion.
-- Locks: nothing. Raises: AD006.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused for every row', TG_OP, TG_TABLE_NAME USING ERRCODE = 'AD006';
END $$
