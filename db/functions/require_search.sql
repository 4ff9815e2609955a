-- Trigger `search_copied` and `searched_first` of post_jobs: a post of a restored backup (`search_above` is
-- not null) may be in its channel already. It becomes uncertain before it is sent, cancelled or given up, and
-- the search begins above `search_above`. When the search has ended, `search_above` becomes null. A new job
-- takes `search_above` from its placement. No other queued post becomes uncertain.
-- Locks: nothing. Raises: AD090 (not searched yet), AD091 (nothing to search).
CREATE OR REPLACE FUNCTION require_search() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.search_above := (
            SELECT search_above FROM campaign_targets WHERE id = NEW.campaign_target_id);
    ELSIF OLD.status = 'queued' AND NEW.status = 'uncertain' THEN
        IF OLD.search_above IS NULL THEN
            RAISE EXCEPTION 'only a post of a restored backup is searched before its send'
            USING ERRCODE = 'AD091';
        END IF;
        NEW.known_message_id := OLD.search_above;
        NEW.first_absent_at := NULL;
    ELSIF OLD.status = 'queued' AND OLD.search_above IS NOT NULL THEN
        RAISE EXCEPTION 'a post of a restored backup is searched first' USING ERRCODE = 'AD090';
    ELSIF OLD.status = 'uncertain' THEN
        NEW.search_above := NULL;
    END IF;
    RETURN NEW;
END $$
