-- Removes what a person has typed from an update that is being handled, so that the table of updates does not
-- keep an address in plain form. The update stays, with an empty text.
-- Locks: the update's row. Raises: nothing.
CREATE OR REPLACE FUNCTION forget_words(inbox_id bigint) RETURNS void LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    UPDATE inbox SET payload = jsonb_set(payload, '{message,text}', '""')
    WHERE id = inbox_id AND done_at IS NULL AND failed_at IS NULL
        AND payload #> '{message,text}' IS NOT NULL
$$
