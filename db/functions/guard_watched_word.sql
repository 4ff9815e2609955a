-- Trigger `changed_by_admin` of watched_words: an admin who is not blocked has written `/watch` with a word, or has
-- pressed the button that removes exactly this word, in an update that is being handled.
-- Locks: nothing. Raises: AD185.
CREATE OR REPLACE FUNCTION guard_watched_word() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM users person JOIN user_roles granted ON granted.user_id = person.id
        WHERE granted.role IN ('admin', 'super_admin') AND NOT person.blocked
            AND CASE TG_OP
                WHEN 'DELETE' THEN has_said(person.id, ARRAY['unwatch:' || OLD.id])
                ELSE person.id = NEW.added_by
                    AND has_said_like(person.id, '^/watch(@\w+)?\s') END)
    THEN
        RAISE EXCEPTION 'no admin has changed the watched words' USING ERRCODE = 'AD185';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$
