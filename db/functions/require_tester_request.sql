-- Triggers `requested_tester` and `not_born_as_tester` of users: a person becomes a tester, or stops being one,
-- only by a request of the staff about this person that is done in the same transaction. Otherwise somebody
-- could hide a person's acts from the reports.
-- Locks: nothing. Raises: AD081.
CREATE OR REPLACE FUNCTION require_tester_request() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM staff_requests request
        WHERE request.kind = CASE WHEN NEW.is_tester THEN 'mark_tester' ELSE 'unmark_tester' END
            AND request.subject_id = NEW.id AND request.status = 'done'
            AND request.decided_at >= transaction_timestamp() + (clock() - statement_timestamp()))
    THEN
        RAISE EXCEPTION 'a request of the staff marks a tester' USING ERRCODE = 'AD081';
    END IF;
    RETURN NULL;
END $$
