-- Trigger `kept` of post_checks and ledger_checkpoints: refuses to delete a row that is young, or that somebody
-- still needs, whichever role runs the statement.
-- Locks: nothing. Raises: AD057 (DETAIL is the table and the id).
CREATE OR REPLACE FUNCTION guard_retention() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'post_checks' THEN
        IF is_spare_check(OLD) THEN
            RETURN OLD;
        END IF;
    ELSIF is_spare_checkpoint(OLD) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'a check that is young or still needed is kept'
    USING ERRCODE = 'AD057', DETAIL = format('%s %s', TG_TABLE_NAME, OLD.id);
END $$
