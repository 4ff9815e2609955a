-- Trigger `claimed` of post_jobs. A job becomes a success only under its present claim. An uncertain
-- job also needs a message id above all ids that were known before the send. A published album has one
-- message for each of its items, so that a part of an album is never taken for the whole. The number of a
-- claim (`claim_no`) grows by one. The promised hours begin at `sent_at`, so that `sent_at` must not be
-- before the moment when it is recorded.
-- Locks: nothing. Raises: AD033 (success), AD034 (number of the claim), AD035 (`sent_at`), AD200 (album).
CREATE OR REPLACE FUNCTION guard_post_job() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.status = 'success' AND OLD.status <> 'success' AND (
        OLD.claim_no < 1 OR NEW.claim_no <> OLD.claim_no
        OR OLD.status = 'uncertain' AND NEW.message_id <= coalesce(OLD.known_message_id, 0)
    ) THEN
        RAISE EXCEPTION 'a success needs its claim' USING ERRCODE = 'AD033';
    ELSIF NEW.status = 'success' AND OLD.status <> 'success' AND cardinality(NEW.other_message_ids) <> (
        SELECT coalesce(jsonb_array_length(coalesce(target.creative, campaign.creative)->'items'), 1) - 1
        FROM campaign_targets target JOIN campaigns campaign ON campaign.id = target.campaign_id
        WHERE target.id = NEW.campaign_target_id)
    THEN
        RAISE EXCEPTION 'a published album has one message for each item' USING ERRCODE = 'AD200';
    ELSIF NEW.claim_no NOT IN (OLD.claim_no, OLD.claim_no + 1) THEN
        RAISE EXCEPTION 'the number of a claim grows by one' USING ERRCODE = 'AD034';
    ELSIF NEW.sent_at IS DISTINCT FROM OLD.sent_at
        AND NEW.sent_at < clock() - (statement_timestamp() - transaction_timestamp())
    THEN
        RAISE EXCEPTION 'promised hours begin when they are recorded' USING ERRCODE = 'AD035';
    END IF;
    RETURN NEW;
END $$
