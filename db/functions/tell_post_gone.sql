-- Trigger `tells_post_gone` of post_checks: when the checks prove that a post is gone while its owner is asked about a
-- complaint (`is_post_gone`), a step of the complaint says it, once, and both sides are told. The owner may let the
-- bot publish the post again (`republish_post`), unless it was published again before.
-- Locks: nothing. The caller has locked the target and its post job before. Raises: nothing.
CREATE OR REPLACE FUNCTION tell_post_gone() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    told record;
BEGIN
    SELECT complaint.id, target.id AS target_id, target.owner_id, campaign.advertiser_id INTO told
    FROM post_jobs job JOIN campaign_targets target ON target.id = job.campaign_target_id
    JOIN campaigns campaign ON campaign.id = target.campaign_id
    JOIN complaints complaint ON complaint.campaign_target_id = target.id
    WHERE job.id = NEW.post_job_id AND job.removed_message_id IS NULL
        AND complaint.status IN ('asked', 'correcting') AND is_post_gone(job)
        AND NOT EXISTS (SELECT FROM complaint_steps step
            WHERE step.complaint_id = complaint.id AND step.kind = 'gone');
    IF told.id IS NOT NULL THEN
        INSERT INTO complaint_steps (complaint_id, kind, created_at)
        VALUES (told.id, 'gone', clock());
        INSERT INTO user_audit_logs (action, role, metadata, created_at)
        VALUES ('complaint_gone', 'system', jsonb_build_object(
            'target_id', told.target_id, 'complaint_id', told.id), clock());
        INSERT INTO outbox (user_id, kind, payload, key, created_at)
        SELECT person.id, 'complaint',
            jsonb_build_object('complaint_id', told.id, 'to', person.side, 'step', 'gone'),
            concat_ws(':', 'complaint_gone', told.id, person.side), clock()
        FROM (VALUES ('owner', told.owner_id), ('advertiser', told.advertiser_id))
            AS person (side, id);
    END IF;
    RETURN NULL;
END $$
