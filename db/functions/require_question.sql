-- Trigger `owner_is_asked` of campaign_targets: a new placement waits for the answer of the channel's owner,
-- until a time that is set, and nobody has answered yet. The owner's role of the database is not asked,
-- because it restores and fills tables.
-- Locks: nothing. Raises: AD102.
CREATE OR REPLACE FUNCTION require_question() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF (NEW.answer_due_at IS NULL OR NEW.agreed_at IS NOT NULL)
        AND NOT pg_has_role(session_user, current_user, 'MEMBER')
    THEN
        RAISE EXCEPTION 'a new placement waits for the answer of its owner' USING ERRCODE = 'AD102';
    END IF;
    RETURN NEW;
END $$
