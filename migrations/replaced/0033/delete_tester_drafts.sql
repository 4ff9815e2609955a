-- Deletes the drafts of a tester (a person whose acts no report counts), and returns how many there were.
-- Only drafts that were never submitted are deleted. The requester of the staff request `request_id` has
-- pressed "That was me" in the update that is being handled.
-- Locks: the drafts. Raises: AD083 (no such request, or its person is no tester); what `require_words`
-- raises.
CREATE OR REPLACE FUNCTION delete_tester_drafts(request_id bigint, inbox_id bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    request staff_requests;
    deleted integer;
BEGIN
    SELECT * INTO request FROM staff_requests asked
    WHERE asked.id = delete_tester_drafts.request_id AND asked.kind = 'clean_up_tester'
        AND asked.status = 'proposed'
        AND EXISTS (SELECT FROM users WHERE id = asked.subject_id AND is_tester);
    IF request.id IS NULL THEN
        RAISE EXCEPTION 'only the drafts of a tester are deleted' USING ERRCODE = 'AD083';
    END IF;
    PERFORM require_words(delete_tester_drafts.inbox_id, request.requested_by,
        '^request:mine:' || request.id || '$');
    DELETE FROM campaigns draft
    WHERE draft.advertiser_id = request.subject_id AND draft.status = 'draft'
        AND NOT EXISTS (SELECT FROM campaign_targets WHERE campaign_id = draft.id);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END $$
