-- Trigger `told` of staff_requests: the admin chat gets the card of a request that a shell has made, that
-- waits for a second person, or that is done or dropped. The database writes the message itself, so that
-- no login can decide about a request in silence. The card of a request from a command is its answer.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION tell_staff_request() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO outbox (kind, payload)
    VALUES ('staff_request_changed', jsonb_build_object('request_id', NEW.id));
    RETURN NULL;
END $$
