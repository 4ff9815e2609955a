-- Trigger `allowed_move`: a row changes its status only by a move of its table. The moves are the
-- trigger's arguments, each as 'from>to'; `services/platform/transitions.py` has the same tables, and a test
-- compares the two.
-- Locks: nothing. Raises: AD029.
CREATE OR REPLACE FUNCTION require_allowed_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status || '>' || NEW.status <> ALL (TG_ARGV) THEN
        RAISE EXCEPTION 'no row of % moves from % to %', TG_TABLE_NAME, OLD.status, NEW.status
        USING ERRCODE = 'AD029';
    END IF;
    RETURN NEW;
END $$
