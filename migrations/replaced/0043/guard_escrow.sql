-- Trigger `settled_once` of escrows: a settled (released or refunded) escrow never changes, and the
-- amount, fee, wallet and target of an escrow never change. An escrow is released only if the post is
-- published, the promised hours (the time that it must stay) have passed since the publication, the
-- post has no breach, and a check proves that the post stayed. Such a check was made at the end of
-- the hours or later, and has the verdict "present" or "stayed". For 0 hours no check is needed. An
-- escrow is refunded only if its post job has failed or was cancelled, or if it has no post job.
-- (`require_allowed_move` checks which statuses may follow each other.)
-- Locks: nothing. Raises: AD011 (settled), AD025 (amount, fee, wallet or target), AD037 (release),
-- AD038 (refund).
CREATE OR REPLACE FUNCTION guard_escrow() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF OLD.status <> 'held' THEN
        RAISE EXCEPTION 'a settled escrow never changes' USING ERRCODE = 'AD011';
    ELSIF (OLD.campaign_target_id, OLD.wallet_id, OLD.amount, OLD.fee)
        IS DISTINCT FROM (NEW.campaign_target_id, NEW.wallet_id, NEW.amount, NEW.fee)
    THEN
        RAISE EXCEPTION 'the terms of an escrow never change' USING ERRCODE = 'AD025';
    ELSIF NEW.status = 'released' AND NOT EXISTS (
        SELECT FROM post_jobs job JOIN campaign_targets target ON target.id = job.campaign_target_id
        WHERE job.campaign_target_id = NEW.campaign_target_id AND job.status = 'success'
            AND job.breach IS NULL
            AND NEW.release_due_at <= clock()
            AND NEW.release_due_at >= job.sent_at + make_interval(hours => target.promised_hours::int)
            AND (target.promised_hours = 0 OR EXISTS (
                SELECT FROM post_checks seen WHERE seen.post_job_id = job.id
                    AND seen.verdict IN ('present', 'stayed') AND seen.checked_at >= NEW.release_due_at))
    ) THEN
        RAISE EXCEPTION 'a release needs a post that was there at the end of its hours'
        USING ERRCODE = 'AD037';
    ELSIF NEW.status = 'refunded' AND EXISTS (
        SELECT FROM post_jobs WHERE campaign_target_id = NEW.campaign_target_id
            AND status NOT IN ('failed', 'cancelled')
    ) THEN
        RAISE EXCEPTION 'a refund needs a post that is not out' USING ERRCODE = 'AD038';
    END IF;
    RETURN NEW;
END $$
