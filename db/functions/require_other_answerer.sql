-- Trigger `approved_by_other` of campaign_targets: an admin who has accepted a placement as the manager of its
-- channel does not approve it too, so that two people have looked at each ad.
-- Locks: nothing. Raises: AD059.
CREATE OR REPLACE FUNCTION require_other_answerer() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM placement_answers given
        WHERE given.campaign_target_id = NEW.id AND given.answer = 'accepted'
            AND given.answered_by = NEW.decided_by
    ) THEN
        RAISE EXCEPTION 'who has accepted a placement does not approve it' USING ERRCODE = 'AD059';
    END IF;
    RETURN NEW;
END $$
