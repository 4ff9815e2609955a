-- Trigger `completes_correction` of post_checks: a check that has compared the post has also put it right, because
-- a check edits each part of the ad to what was agreed. So a complaint whose owner let the bot correct the post
-- now waits for its advertiser, who is told and has as much time as the owner was given.
-- Locks: the complaint. The caller has locked the target and its post job before. Raises: nothing.
CREATE OR REPLACE FUNCTION complete_correction() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    corrected record;
    read_at timestamptz := clock();
BEGIN
    UPDATE complaints complaint
    SET status = 'answered', due_at = read_at + (complaint.due_at - (
        SELECT max(step.created_at) FROM complaint_steps step
        WHERE step.complaint_id = complaint.id AND step.kind = 'correcting'))
    FROM post_jobs job JOIN campaign_targets target ON target.id = job.campaign_target_id
    JOIN campaigns campaign ON campaign.id = target.campaign_id
    WHERE job.id = NEW.post_job_id AND complaint.campaign_target_id = target.id
        AND complaint.status = 'correcting'
    RETURNING complaint.id, target.id AS target_id, campaign.advertiser_id INTO corrected;
    IF corrected.id IS NOT NULL THEN
        INSERT INTO complaint_steps (complaint_id, kind, created_at)
        VALUES (corrected.id, 'corrected', read_at);
        INSERT INTO user_audit_logs (action, role, metadata, created_at)
        VALUES ('complaint_corrected', 'system', jsonb_build_object(
            'target_id', corrected.target_id, 'complaint_id', corrected.id), read_at);
        INSERT INTO outbox (user_id, kind, payload, key, created_at)
        VALUES (corrected.advertiser_id, 'complaint', jsonb_build_object('complaint_id', corrected.id,
            'to', 'advertiser', 'step', 'corrected'),
            concat_ws(':', 'complaint_corrected', corrected.id), read_at);
    END IF;
    RETURN NULL;
END $$
