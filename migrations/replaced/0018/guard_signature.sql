-- Triggers `signed_proposal` and `signed_confirmation` of corrections: the proposer has pressed "That was me" on their own request for a
-- correction, and the confirmer has pressed the confirmation of this correction or has written
-- `/confirm 12 why`, in the update that is being handled.
-- Locks: nothing. Raises: AD064 (no request of the proposer); what `require_words` raises.
CREATE OR REPLACE FUNCTION guard_signature() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM require_words(NEW.confirmed_in, NEW.confirmed_by, format(
            '^(correction:yes:%s:|\s*/confirm(@\w+)?\s+#?0*%s\s)', NEW.id, NEW.id));
    ELSIF NOT EXISTS (
        SELECT FROM staff_requests request
        WHERE request.kind = 'correction' AND request.requested_by = NEW.proposed_by
            AND words_in_update(NEW.proposed_in, NEW.proposed_by) = 'request:mine:' || request.id
    ) THEN
        RAISE EXCEPTION 'a correction that its proposer has not requested' USING ERRCODE = 'AD064';
    END IF;
    RETURN NEW;
END $$
