-- Trigger `absorbs_complaint` of post_jobs: a recorded breach, or the failure of a published post, closes the open
-- complaint about it, because one question about an escrow is open at a time, and what the bot has found itself
-- goes first. Both sides are told; the messages about the breach say what is decided now.
-- Locks: the complaint, after its post job. Raises: nothing.
CREATE OR REPLACE FUNCTION absorb_complaint() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    closed_id bigint;
    read_at timestamptz := clock();
BEGIN
    UPDATE complaints
    SET status = 'closed', outcome = 'absorbed', due_at = NULL, closed_at = read_at
    WHERE campaign_target_id = NEW.campaign_target_id AND status <> 'closed'
    RETURNING id INTO closed_id;
    IF closed_id IS NOT NULL THEN
        INSERT INTO complaint_steps (complaint_id, kind, created_at)
        VALUES (closed_id, 'absorbed', read_at);
        INSERT INTO user_audit_logs (action, role, metadata, created_at)
        VALUES ('complaint_absorbed', 'system', jsonb_build_object(
            'target_id', NEW.campaign_target_id, 'complaint_id', closed_id), read_at);
        INSERT INTO outbox (user_id, kind, payload, key, created_at)
        SELECT told.user_id, 'complaint',
            jsonb_build_object('complaint_id', closed_id, 'to', told.side, 'step', 'absorbed'),
            concat_ws(':', 'complaint_absorbed', closed_id, told.side), read_at
        FROM campaign_targets target JOIN campaigns campaign ON campaign.id = target.campaign_id
        CROSS JOIN LATERAL (VALUES ('owner', target.owner_id),
            ('advertiser', campaign.advertiser_id)) AS told (side, user_id)
        WHERE target.id = NEW.campaign_target_id;
    END IF;
    RETURN NULL;
END $$
