-- Deletes the drafts of a tester (a person whose acts no report counts), and returns how many there were.
-- Only drafts that were never submitted are deleted. A second admin has confirmed the staff request
-- `request_id` in the update that is being handled. `inbox_id` is not read: earlier programs name it.
-- Locks: the drafts. Raises: AD083 (no such request, nobody has confirmed it, or its person is no tester).
CREATE OR REPLACE FUNCTION delete_tester_drafts(request_id bigint, inbox_id bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    tester_id bigint;
    deleted integer;
BEGIN
    SELECT asked.subject_id INTO tester_id FROM staff_requests asked
    WHERE asked.id = delete_tester_drafts.request_id AND is_clean_up_confirmed(asked)
        AND EXISTS (SELECT FROM users WHERE id = asked.subject_id AND is_tester);
    IF tester_id IS NULL THEN
        RAISE EXCEPTION 'only the drafts of a tester are deleted' USING ERRCODE = 'AD083';
    END IF;
    DELETE FROM campaigns draft
    WHERE draft.advertiser_id = tester_id AND draft.status = 'draft'
        AND NOT EXISTS (SELECT FROM campaign_targets WHERE campaign_id = draft.id);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END $$
