-- Requires that a person has pressed or written, in the update that is being handled, what this regular
-- expression describes.
-- Locks: nothing. Raises: AD061.
CREATE OR REPLACE FUNCTION require_words(inbox_id bigint, person_id bigint, pattern text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF words_in_update(inbox_id, person_id) ~ pattern IS NOT TRUE THEN
        RAISE EXCEPTION 'Telegram has delivered no such press or command of this person'
        USING ERRCODE = 'AD061', DETAIL = pattern;
    END IF;
END $$
