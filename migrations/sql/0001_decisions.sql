-- Everything that a decision on a target's money needs, in one round trip: the switch's lock first,
-- then the rows' locks in the house's order, and only then, by a statement of its own with a
-- snapshot of its own, the facts. VOLATILE, or it would read with the caller's older snapshot.
CREATE FUNCTION lock_for_decision(p_target_id bigint, p_switch text)
RETURNS TABLE (
    status text, decided_by bigint, campaign_id bigint, channel_id bigint, owner_id bigint,
    price bigint, fee_bps bigint, publish_at timestamptz,
    advertiser_id bigint, campaign_status text, channel_status text, channel_owner_id bigint,
    escrow_status text, advertiser_wallet_id bigint, currency text,
    blocked_id bigint, running boolean, at timestamptz
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7001, hashtext(p_switch));
    PERFORM FROM campaign_targets WHERE id = p_target_id FOR UPDATE;
    PERFORM FROM campaigns c JOIN campaign_targets t ON t.campaign_id = c.id
        WHERE t.id = p_target_id FOR SHARE OF c;
    PERFORM FROM escrows WHERE campaign_target_id = p_target_id FOR UPDATE;
    RETURN QUERY
    SELECT t.status::text, t.decided_by, t.campaign_id, t.channel_id, t.owner_id,
        t.price, t.fee_bps, t.publish_at,
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
