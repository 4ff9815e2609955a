-- Trigger `claimed` of post_jobs. A job becomes a success only under its present claim. An uncertain
-- job also needs a message id above all ids that were known before the send. A published album has one
-- message for each of its items, so that a part of an album is never taken for the whole. The number of a
-- claim (`claim_no`) grows by one. The promised hours begin at `sent_at`, so that `sent_at` must not be
-- before the moment when it is recorded. A published post is queued again once, after the checks have
-- proven that it is gone, and after its owner has taken the step `republishing` of a complaint, which
-- only `republish_post` writes. The id and the time of the removed post never change afterwards, and the id of the
-- next post is higher.
-- Locks: nothing. Raises: AD033 (success), AD034 (number of the claim), AD035 (`sent_at`), AD198 (published again),
-- AD200 (album).
CREATE OR REPLACE FUNCTION guard_post_job() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.status = 'success' AND OLD.status <> 'success' AND (
        OLD.claim_no < 1 OR NEW.claim_no <> OLD.claim_no
        OR OLD.status = 'uncertain' AND NEW.message_id <= coalesce(OLD.known_message_id, 0)
        OR NEW.message_id <= OLD.removed_message_id
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
    ELSIF (CASE WHEN OLD.status = 'success' AND NEW.status = 'queued'
        THEN (NEW.removed_message_id, NEW.first_sent_at)
                IS DISTINCT FROM (OLD.message_id, OLD.sent_at)
            OR OLD.removed_message_id IS NOT NULL OR OLD.breach IS NOT NULL
            OR NEW.message_id IS NOT NULL OR NEW.sent_at IS NOT NULL OR NOT is_post_gone(OLD)
            OR NOT EXISTS (SELECT FROM complaints complaint
                JOIN complaint_steps step ON step.complaint_id = complaint.id
                WHERE complaint.campaign_target_id = OLD.campaign_target_id
                    AND complaint.status = 'correcting' AND step.kind = 'republishing')
        ELSE (NEW.removed_message_id, NEW.first_sent_at)
            IS DISTINCT FROM (OLD.removed_message_id, OLD.first_sent_at) END)
    THEN
        RAISE EXCEPTION 'a post is published again once, after a complaint and when it is gone'
        USING ERRCODE = 'AD198';
    END IF;
    RETURN NEW;
END $$
