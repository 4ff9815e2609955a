-- Deletes the messages with answers that Telegram did not take at first and that were given later, 48 hours
-- after their delivery or their last attempt. They contain texts for one person, and any person can cause
-- many of them. The time is fixed in this function, so that no login can delete newer messages. One call
-- deletes at most 50,000 messages.
-- Locks: the deleted rows. Raises: nothing.
CREATE OR REPLACE FUNCTION purge_late_answers() RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    DELETE FROM outbox WHERE id = ANY (ARRAY(
        SELECT id FROM outbox WHERE kind IN ('answer_lost', 'switch_answer_lost')
            AND status IN ('sent', 'failed') AND coalesce(sent_at, due_at) < clock() - interval '48 hours'
        ORDER BY coalesce(sent_at, due_at) LIMIT 50000));
$$
