-- Trigger `records_republication` of post_jobs: a post that its owner let the bot publish again after a complaint is
-- out. A step of this complaint says it, and both sides are told. The complaint then waits for its advertiser, for at least as
-- long as the owner was given, unless the staff are asked already or it is closed.
-- Locks: the complaint, after its post job. Raises: nothing.
CREATE OR REPLACE FUNCTION record_republication() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    asked record;
    read_at timestamptz := clock();
BEGIN
    SELECT complaint.id, complaint.due_at - step.created_at AS step_time, target.owner_id,
        campaign.advertiser_id
    INTO asked
    FROM campaign_targets target JOIN campaigns campaign ON campaign.id = target.campaign_id
    JOIN complaints complaint ON complaint.campaign_target_id = target.id
    JOIN complaint_steps step ON step.complaint_id = complaint.id AND step.kind = 'republishing'
    WHERE target.id = NEW.campaign_target_id;
    UPDATE complaints SET status = 'answered', due_at = read_at + asked.step_time
    WHERE id = asked.id AND status = 'correcting';
    INSERT INTO complaint_steps (complaint_id, kind, created_at)
    VALUES (asked.id, 'republished', read_at);
    INSERT INTO user_audit_logs (action, role, metadata, created_at)
    VALUES ('complaint_republished', 'system', jsonb_build_object(
        'target_id', NEW.campaign_target_id, 'complaint_id', asked.id,
        'message_id', NEW.message_id), read_at);
    INSERT INTO outbox (user_id, kind, payload, key, created_at)
    SELECT person.id, 'complaint',
        jsonb_build_object('complaint_id', asked.id, 'to', person.side, 'step', 'republished'),
        concat_ws(':', 'complaint_republished', asked.id, person.side), read_at
    FROM (VALUES ('owner', asked.owner_id), ('advertiser', asked.advertiser_id))
        AS person (side, id);
    RETURN NULL;
END $$
