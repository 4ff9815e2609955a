-- Approves a target in one round trip, because approvals come in crowds: it locks, applies the
-- rules, holds the price, queues the post, writes the decision and its audit row, and owes a message
-- to the advertiser and to the owner. A refusal writes nothing: `code` names the reason, `ref_id` the
-- row that it is about (null is the target), `state` the state of that row. `code` is null for an
-- approval. `movable_from` are the statuses from which a target may be approved.
-- All rows get the one time that was read: the columns' own default would read it for each.
-- Locks: what `lock_for_decision` locks, then the wallets of the advertiser and the escrow.
-- Raises: what `hold_price` raises.
CREATE OR REPLACE FUNCTION approve_target(
    target_id bigint, switch text, movable_from text[],
    actor_id bigint, role text, correlation_id text,
    OUT code text, OUT ref_id bigint, OUT state text
) LANGUAGE plpgsql AS $$
DECLARE
    facts record;
    post_job_id bigint;
BEGIN
    SELECT * INTO facts FROM lock_for_decision(target_id, switch);
    CASE
    WHEN NOT FOUND THEN
        code := 'not_found';
    WHEN actor_id IN (facts.advertiser_id, facts.owner_id) THEN
        code := 'own_money';
    WHEN facts.status IN ('approved', 'posted', 'refunded') AND facts.decided_by IS NOT NULL THEN
        code := 'repeated';
    WHEN facts.status <> ALL (movable_from) THEN
        code := 'invalid_move'; state := facts.status;
    WHEN facts.campaign_status <> 'active' THEN
        code := 'campaign_not_active'; ref_id := facts.campaign_id; state := facts.campaign_status;
    WHEN facts.channel_status <> 'active' OR facts.channel_owner_id <> facts.owner_id THEN
        code := 'channel_not_usable'; ref_id := facts.channel_id; state := facts.channel_status;
    WHEN facts.blocked_id IS NOT NULL THEN
        code := 'person_blocked'; ref_id := facts.blocked_id;
    WHEN facts.publish_at <= facts.at THEN
        code := 'publish_time_past';
    -- A hold that is there already is adopted, but an approval is a new escrow all the same.
    WHEN NOT facts.running THEN
        code := 'switch_stopped';
    WHEN facts.escrow_status <> 'held' THEN
        code := 'escrow_not_held'; state := facts.escrow_status;
    ELSE
        IF facts.escrow_status IS NULL THEN
            PERFORM hold_price(target_id, facts.price, facts.fee, facts.advertiser_wallet_id,
                facts.currency, actor_id, correlation_id);
        END IF;
        INSERT INTO post_jobs (campaign_target_id, channel_id, due_at, updated_at, created_at)
        VALUES (target_id, facts.channel_id, greatest(facts.at, facts.publish_at), facts.at,
            facts.at)
        RETURNING id INTO post_job_id;
        UPDATE campaign_targets
        SET status = 'approved', decided_by = actor_id, decided_at = facts.at
        WHERE id = target_id;
        INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id, created_at)
        VALUES ('moderation_approved', actor_id, approve_target.role, jsonb_build_object(
            'target_id', target_id, 'campaign_id', facts.campaign_id,
            'channel_id', facts.channel_id, 'post_job_id', post_job_id, 'amount', facts.price),
            approve_target.correlation_id, facts.at);
        INSERT INTO outbox (user_id, kind, payload, key, created_at)
        VALUES
            (facts.advertiser_id, 'target_approved', jsonb_build_object('target_id', target_id),
                'target_approved:' || target_id, facts.at),
            (facts.owner_id, 'ad_scheduled', jsonb_build_object('target_id', target_id),
                'ad_scheduled:' || target_id, facts.at);
    END CASE;
END $$
