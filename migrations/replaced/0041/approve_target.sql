-- Approves a target (one purchase of a post in one channel) in the version that the admin has seen
-- (`seen_version`), or returns why it cannot be approved. All rules of an approval are in this function, in the order in which they are checked. One call
-- does everything, because many approvals come at the same time: it locks the rows, checks the
-- rules, moves the price into an escrow, queues the post, and writes the decision, its audit row and
-- the messages to the advertiser and the owner. For an approval, the result's `code` is null. A
-- refusal writes nothing. Its result is the reason (`code`), the id of the row that the reason is
-- about (`ref_id`, null if this is the target) and the state of that row (`state`). The rows are
-- read after all locks were granted, and all written rows have one common time.
-- Locks: the switch `new_escrows` (advisory, shared), the target, its campaign (shared), its escrow,
-- then the wallets of the advertiser and of the escrow.
-- Raises: what `hold_escrow` raises; AD100 if the owner has not accepted the placement.
CREATE OR REPLACE FUNCTION approve_target(
    target_id bigint, actor_id bigint, role text, correlation_id text,
    seen_version bigint DEFAULT 1,
    OUT code text, OUT ref_id bigint, OUT state text
) LANGUAGE plpgsql AS $$
DECLARE
    target campaign_targets;
    facts record;
    post_job_id bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7001, hashtext('new_escrows'));
    SELECT * INTO target FROM campaign_targets WHERE id = target_id FOR UPDATE;
    PERFORM FROM campaigns WHERE id = target.campaign_id FOR SHARE;
    PERFORM FROM escrows WHERE campaign_target_id = target_id FOR UPDATE;
    SELECT campaign.status AS campaign_status, campaign.advertiser_id, escrow.status AS escrow_status,
        channel.status AS channel_status, channel.owner_id AS channel_owner_id, clock() AS read_at,
        EXISTS (SELECT FROM running_switches WHERE key = 'new_escrows') AS running,
        (SELECT id FROM users WHERE id IN (campaign.advertiser_id, target.owner_id) AND blocked
            ORDER BY id <> campaign.advertiser_id LIMIT 1) AS blocked_id
    INTO facts
    FROM campaigns campaign JOIN channels channel ON channel.id = target.channel_id
    LEFT JOIN escrows escrow ON escrow.campaign_target_id = target_id
    WHERE campaign.id = target.campaign_id;
    CASE
    WHEN target.id IS NULL THEN code := 'not_found';
    WHEN actor_id IN (facts.advertiser_id, target.owner_id) THEN code := 'own_money';
    WHEN target.status IN ('approved', 'posted', 'refunded') AND target.decided_by IS NOT NULL THEN
        code := 'repeated';
    WHEN target.status <> 'pending' THEN code := 'invalid_move'; state := target.status;
    WHEN target.version <> seen_version THEN code := 'version_changed';
    WHEN target.answer_due_at IS NOT NULL AND target.agreed_at IS NULL THEN code := 'not_agreed';
    WHEN facts.campaign_status <> 'active' THEN
        code := 'campaign_not_active'; ref_id := target.campaign_id; state := facts.campaign_status;
    WHEN facts.channel_status <> 'active' OR facts.channel_owner_id <> target.owner_id THEN
        code := 'channel_not_usable'; ref_id := target.channel_id; state := facts.channel_status;
    WHEN facts.blocked_id IS NOT NULL THEN code := 'person_blocked'; ref_id := facts.blocked_id;
    WHEN target.publish_at <= facts.read_at THEN code := 'publish_time_past';
    -- A hold that exists is adopted, but an approval needs the switch as a new hold does.
    WHEN NOT facts.running THEN code := 'switch_stopped';
    WHEN facts.escrow_status <> 'held' THEN
        code := 'escrow_not_held'; state := facts.escrow_status;
    ELSE
        IF facts.escrow_status IS NULL THEN
            PERFORM hold_escrow(target_id, actor_id, correlation_id);
        END IF;
        INSERT INTO post_jobs (campaign_target_id, channel_id, due_at, updated_at, created_at)
        VALUES (target_id, target.channel_id, greatest(facts.read_at, target.publish_at),
            facts.read_at, facts.read_at)
        RETURNING id INTO post_job_id;
        UPDATE campaign_targets
        SET status = 'approved', decided_by = actor_id, decided_at = facts.read_at
        WHERE id = target_id;
        INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id, created_at)
        VALUES ('moderation_approved', actor_id, approve_target.role, jsonb_build_object(
            'target_id', target_id, 'campaign_id', target.campaign_id, 'channel_id',
            target.channel_id, 'post_job_id', post_job_id, 'amount', target.price),
            approve_target.correlation_id, facts.read_at);
        INSERT INTO outbox (user_id, kind, payload, key, created_at)
        SELECT person.id, person.kind, jsonb_build_object('target_id', target_id),
            person.kind || ':' || target_id, facts.read_at
        FROM (VALUES (facts.advertiser_id, 'target_approved'), (target.owner_id, 'ad_scheduled'))
            AS person (id, kind);
    END CASE;
END $$
