-- Approves a target, or says why not. All rules of an approval stand here, in the order in which they
-- refuse. One round trip does it all, because approvals come in crowds: it locks, applies the rules,
-- holds the price, queues the post, and writes the decision, its audit row and the messages to the
-- advertiser and the owner. A refusal writes nothing: `code` names the reason, `ref_id` the row that
-- the reason is about (null is the target), `state` the state of that row. `code` is null for an
-- approval. The rows are read after all locks were granted, and get one common time.
-- Locks: the switch `new_escrows` (advisory, shared), the target, its campaign (shared), its escrow,
-- then the wallets of the advertiser and of the escrow.
-- Raises: what `hold_escrow` raises.
CREATE OR REPLACE FUNCTION approve_target(
    target_id bigint, actor_id bigint, role text, correlation_id text,
    OUT code text, OUT ref_id bigint, OUT state text
) LANGUAGE plpgsql AS $$
DECLARE
    target campaign_targets;
    campaign record;
    channel record;
    escrow_status text;
    blocked_id bigint;
    post_job_id bigint;
    approved_at timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7001, hashtext('new_escrows'));
    SELECT * INTO target FROM campaign_targets WHERE id = target_id FOR UPDATE;
    SELECT status, advertiser_id INTO campaign
    FROM campaigns WHERE id = target.campaign_id FOR SHARE;
    SELECT status INTO escrow_status FROM escrows WHERE campaign_target_id = target_id FOR UPDATE;
    SELECT status, owner_id INTO channel FROM channels WHERE id = target.channel_id;
    SELECT id INTO blocked_id FROM users
    WHERE id IN (campaign.advertiser_id, target.owner_id) AND blocked
    ORDER BY id <> campaign.advertiser_id LIMIT 1;
    approved_at := clock();
    CASE
    WHEN target.id IS NULL THEN code := 'not_found';
    WHEN actor_id IN (campaign.advertiser_id, target.owner_id) THEN code := 'own_money';
    WHEN target.status IN ('approved', 'posted', 'refunded') AND target.decided_by IS NOT NULL THEN
        code := 'repeated';
    WHEN target.status <> 'pending' THEN code := 'invalid_move'; state := target.status;
    WHEN campaign.status <> 'active' THEN
        code := 'campaign_not_active'; ref_id := target.campaign_id; state := campaign.status;
    WHEN channel.status <> 'active' OR channel.owner_id <> target.owner_id THEN
        code := 'channel_not_usable'; ref_id := target.channel_id; state := channel.status;
    WHEN blocked_id IS NOT NULL THEN code := 'person_blocked'; ref_id := blocked_id;
    WHEN target.publish_at <= approved_at THEN code := 'publish_time_past';
    -- A hold that exists is adopted, but an approval needs the switch as a new hold does.
    WHEN NOT EXISTS (SELECT FROM kill_switches WHERE key = 'new_escrows' AND enabled) THEN
        code := 'switch_stopped';
    WHEN escrow_status <> 'held' THEN code := 'escrow_not_held'; state := escrow_status;
    ELSE
        IF escrow_status IS NULL THEN
            PERFORM hold_escrow(target_id, actor_id, correlation_id);
        END IF;
        INSERT INTO post_jobs (campaign_target_id, channel_id, due_at, updated_at, created_at)
        VALUES (target_id, target.channel_id, greatest(approved_at, target.publish_at),
            approved_at, approved_at)
        RETURNING id INTO post_job_id;
        UPDATE campaign_targets
        SET status = 'approved', decided_by = actor_id, decided_at = approved_at
        WHERE id = target_id;
        INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id, created_at)
        VALUES ('moderation_approved', actor_id, approve_target.role, jsonb_build_object(
            'target_id', target_id, 'campaign_id', target.campaign_id, 'channel_id',
            target.channel_id, 'post_job_id', post_job_id, 'amount', target.price),
            approve_target.correlation_id, approved_at);
        INSERT INTO outbox (user_id, kind, payload, key, created_at)
        SELECT person.id, person.kind, jsonb_build_object('target_id', target_id),
            person.kind || ':' || target_id, approved_at
        FROM (VALUES (campaign.advertiser_id, 'target_approved'), (target.owner_id, 'ad_scheduled'))
            AS person (id, kind);
    END CASE;
END $$
