-- Locks everything that a decision on a target's money needs, and returns the facts, in one round
-- trip. The last statement reads with a snapshot of its own, after all locks were granted; the
-- function is VOLATILE because it would otherwise read with its caller's older snapshot.
-- Returns no row for an unknown target. `price` and `fee` are minor units.
-- Locks: the switch (advisory, shared), the target, its campaign (shared), its escrow.
-- Raises: nothing.
CREATE OR REPLACE FUNCTION lock_for_decision(target_id bigint, switch text)
RETURNS TABLE (
    status text, decided_by bigint, campaign_id bigint, channel_id bigint, owner_id bigint,
    price bigint, fee bigint, publish_at timestamptz,
    advertiser_id bigint, campaign_status text, channel_status text, channel_owner_id bigint,
    escrow_status text, advertiser_wallet_id bigint, currency text,
    blocked_id bigint, running boolean, at timestamptz
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    locked_campaign_id bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7001, hashtext(switch));
    SELECT target.campaign_id INTO locked_campaign_id
    FROM campaign_targets target WHERE id = target_id FOR UPDATE;
    PERFORM FROM campaigns WHERE id = locked_campaign_id FOR SHARE;
    PERFORM FROM escrows WHERE campaign_target_id = target_id FOR UPDATE;
    RETURN QUERY
    SELECT target.status::text, target.decided_by, target.campaign_id, target.channel_id,
        target.owner_id, target.price, div(target.price::numeric * target.fee_bps, 10000)::bigint,
        target.publish_at, campaign.advertiser_id, campaign.status::text, channel.status::text,
        channel.owner_id, escrow.status::text, wallet.id, wallet.currency,
        CASE WHEN advertiser.blocked THEN advertiser.id WHEN owner.blocked THEN owner.id END,
        EXISTS (SELECT FROM kill_switches WHERE key = switch AND enabled),
        clock()
    FROM campaign_targets target
    JOIN campaigns campaign ON campaign.id = target.campaign_id
    JOIN channels channel ON channel.id = target.channel_id
    JOIN users advertiser ON advertiser.id = campaign.advertiser_id
    JOIN users owner ON owner.id = target.owner_id
    JOIN wallets wallet ON wallet.user_id = campaign.advertiser_id AND wallet.kind = 'user'
    LEFT JOIN escrows escrow ON escrow.campaign_target_id = target.id
    WHERE target.id = target_id;
END $$
