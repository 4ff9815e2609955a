-- Everything that a decision on a target's money needs, in one round trip: the switch's lock first,
-- then the rows' locks in the house's order, and only then, by a statement of its own with a
-- snapshot of its own, the facts. VOLATILE, or it would read with the caller's older snapshot.
CREATE FUNCTION lock_for_decision(p_target_id bigint, p_switch text)
RETURNS TABLE (
    status text, decided_by bigint, campaign_id bigint, channel_id bigint, owner_id bigint,
    price bigint, fee bigint, publish_at timestamptz,
    advertiser_id bigint, campaign_status text, channel_status text, channel_owner_id bigint,
    escrow_status text, advertiser_wallet_id bigint, currency text,
    blocked_id bigint, running boolean, at timestamptz
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_campaign_id bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7001, hashtext(p_switch));
    SELECT t.campaign_id INTO v_campaign_id FROM campaign_targets t WHERE id = p_target_id FOR UPDATE;
    PERFORM FROM campaigns WHERE id = v_campaign_id FOR SHARE;
    PERFORM FROM escrows WHERE campaign_target_id = p_target_id FOR UPDATE;
    RETURN QUERY
    SELECT t.status::text, t.decided_by, t.campaign_id, t.channel_id, t.owner_id,
        t.price, div(t.price::numeric * t.fee_bps, 10000)::bigint, t.publish_at,
        c.advertiser_id, c.status::text, ch.status::text, ch.owner_id,
        e.status::text, w.id, w.currency,
        CASE WHEN a.blocked THEN a.id WHEN o.blocked THEN o.id END,
        EXISTS (SELECT FROM kill_switches k WHERE k.key = p_switch AND k.enabled),
        clock()
    FROM campaign_targets t
    JOIN campaigns c ON c.id = t.campaign_id
    JOIN channels ch ON ch.id = t.channel_id
    JOIN users a ON a.id = c.advertiser_id
    JOIN users o ON o.id = t.owner_id
    JOIN wallets w ON w.user_id = c.advertiser_id AND w.kind = 'user'
    LEFT JOIN escrows e ON e.campaign_target_id = t.id
    WHERE t.id = p_target_id;
END $$
--;
-- Takes an amount into a new escrow of a target that the caller has locked: the escrow's own wallet,
-- its row, and the transfer into it.
CREATE FUNCTION hold_price(
    p_target_id bigint, p_amount bigint, p_fee bigint, p_from_wallet_id bigint, p_currency text,
    p_actor_id bigint, p_correlation_id text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_wallet_id bigint := open_wallet('escrow', NULL, NULL, p_currency);
BEGIN
    INSERT INTO escrows (campaign_target_id, wallet_id, amount, fee)
    VALUES (p_target_id, v_wallet_id, p_amount, p_fee);
    PERFORM post_transfer(
        'escrow_hold:' || p_target_id, 'escrow_hold', p_target_id,
        ARRAY[p_from_wallet_id, v_wallet_id], ARRAY[-p_amount, p_amount],
        '{escrow_hold,escrow_hold}', p_actor_id, p_correlation_id);
END $$
--;
-- Approves a target: the locks, the rules, the hold, the post, the decision, its audit row and a word
-- to both, in one round trip, because approvals come in crowds. A refusal names its reason, with the
-- id and the word that it is about; then nothing is written. `p_from` is where a target may stand.
-- The rows get the one time that was read: the columns' own default would read it for each.
CREATE FUNCTION approve_target(
    p_target_id bigint, p_switch text, p_from text[],
    p_actor_id bigint, p_role text, p_correlation_id text,
    OUT refusal text, OUT ref bigint, OUT word text
) LANGUAGE plpgsql AS $$
DECLARE
    f record;
    v_job_id bigint;
BEGIN
    SELECT * INTO f FROM lock_for_decision(p_target_id, p_switch);
    CASE
    WHEN NOT FOUND THEN
        refusal := 'not_found';
    WHEN p_actor_id IN (f.advertiser_id, f.owner_id) THEN
        refusal := 'own_money';
    WHEN f.status IN ('approved', 'posted', 'refunded') AND f.decided_by IS NOT NULL THEN
        refusal := 'repeated';
    WHEN f.status <> ALL (p_from) THEN
        refusal := 'invalid_move'; word := f.status;
    WHEN f.campaign_status <> 'active' THEN
        refusal := 'campaign_not_active'; ref := f.campaign_id; word := f.campaign_status;
    WHEN f.channel_status <> 'active' OR f.channel_owner_id <> f.owner_id THEN
        refusal := 'channel_not_usable'; ref := f.channel_id; word := f.channel_status;
    WHEN f.blocked_id IS NOT NULL THEN
        refusal := 'person_blocked'; ref := f.blocked_id;
    WHEN f.publish_at <= f.at THEN
        refusal := 'publish_time_past';
    -- A hold that is there already is adopted, but an approval is a new escrow all the same.
    WHEN NOT f.running THEN
        refusal := 'switch_stopped';
    WHEN f.escrow_status <> 'held' THEN
        refusal := 'escrow_not_held'; word := f.escrow_status;
    ELSE
        IF f.escrow_status IS NULL THEN
            PERFORM hold_price(p_target_id, f.price, f.fee, f.advertiser_wallet_id, f.currency,
                p_actor_id, p_correlation_id);
        END IF;
        INSERT INTO post_jobs (campaign_target_id, channel_id, due_at, updated_at, created_at)
        VALUES (p_target_id, f.channel_id, greatest(f.at, f.publish_at), f.at, f.at)
        RETURNING id INTO v_job_id;
        UPDATE campaign_targets
        SET status = 'approved', decided_by = p_actor_id, decided_at = f.at
        WHERE id = p_target_id;
        INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id, created_at)
        VALUES ('moderation_approved', p_actor_id, p_role, jsonb_build_object(
            'target_id', p_target_id, 'campaign_id', f.campaign_id, 'channel_id', f.channel_id,
            'post_job_id', v_job_id, 'amount', f.price), p_correlation_id, f.at);
        INSERT INTO outbox (user_id, kind, payload, key, created_at)
        VALUES
            (f.advertiser_id, 'target_approved', jsonb_build_object('target_id', p_target_id),
                'target_approved:' || p_target_id, f.at),
            (f.owner_id, 'ad_scheduled', jsonb_build_object('target_id', p_target_id),
                'ad_scheduled:' || p_target_id, f.at);
    END CASE;
END $$
