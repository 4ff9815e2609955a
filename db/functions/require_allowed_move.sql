-- Trigger `allowed_move`: refuses a change of a row's status that its table does not allow. The allowed
-- changes are the arguments of the trigger, each as 'from>to'. `services/platform/transitions.py` lists
-- the same changes, and a test compares the two.
-- Locks: nothing. Raises: AD029.
CREATE OR REPLACE FUNCTION require_allowed_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status || '>' || NEW.status <> ALL (TG_ARGV) THEN
        RAISE EXCEPTION 'no row of % moves from % to %', TG_TABLE_NAME, OLD.status, NEW.status
        USING ERRCODE = 'AD029';
    END IF;
    RETURN NEW;
END $$
