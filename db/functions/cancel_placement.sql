-- Cancels an approved placement before its post is sent, and refunds its whole price in the same transaction, or
-- returns why it cannot be cancelled. The actor is the advertiser, who has pressed the button of this placement
-- and reason in an update that is being handled (`has_said`). The post must be queued, and must be due later
-- than after `cutoff`. A post that was claimed, sent or is uncertain, or that a restored backup may have sent,
-- is never cancelled here. For a new cancellation, the result's `code` is null. A refusal writes nothing;
-- `state` is the state of the placement, its escrow or its post. The trigger `time_freed` frees the time that
-- was kept for the post.
-- Locks: the switch `refunds` (advisory, shared), the target, its post job, its escrow, then the wallets of the
-- escrow and of the advertiser. Raises: AD160, and what `post_transfer` raises.
CREATE OR REPLACE FUNCTION cancel_placement(
    target_id bigint, actor_id bigint, reason text, cutoff interval, correlation_id text,
    OUT code text, OUT state text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target campaign_targets;
    job post_jobs;
    held escrows;
    facts record;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7001, hashtext('refunds'));
    SELECT * INTO target FROM campaign_targets WHERE id = target_id FOR UPDATE;
    SELECT * INTO job FROM post_jobs WHERE campaign_target_id = target_id FOR UPDATE;
    SELECT * INTO held FROM escrows WHERE campaign_target_id = target_id FOR UPDATE;
    SELECT campaign.advertiser_id, wallet.id AS wallet_id, clock() AS read_at,
        EXISTS (SELECT FROM running_switches WHERE key = 'refunds') AS running
    INTO facts
    FROM campaigns campaign
    JOIN wallets wallet ON wallet.user_id = campaign.advertiser_id AND wallet.kind = 'user'
    WHERE campaign.id = target.campaign_id;
    CASE
    WHEN target.id IS NULL OR facts.advertiser_id <> actor_id THEN code := 'not_found';
    WHEN target.cancelled_at IS NOT NULL THEN code := 'repeated';
    WHEN target.status <> 'approved' THEN code := 'invalid_move'; state := target.status;
    WHEN job.search_above IS NOT NULL THEN code := 'invalid_move'; state := 'uncertain';
    WHEN job.status <> 'queued' THEN code := 'invalid_move'; state := job.status;
    WHEN job.due_at <= facts.read_at + greatest(cutoff, '0') THEN code := 'cancel_late';
    WHEN NOT facts.running THEN code := 'switch_stopped';
    ELSE
        IF NOT has_said(actor_id, ARRAY[concat_ws(
            ':', 'cancel_ad', target_id, cancel_placement.reason)])
        THEN
            RAISE EXCEPTION 'this person has not cancelled the placement' USING ERRCODE = 'AD160';
        END IF;
        UPDATE post_jobs SET status = 'cancelled', updated_at = facts.read_at WHERE id = job.id;
        PERFORM post_transfer('refund:' || target_id, 'refund', target_id,
            ARRAY[held.wallet_id, facts.wallet_id], ARRAY[-held.amount, held.amount],
            '{refund,refund}', actor_id, cancel_placement.correlation_id);
        UPDATE escrows SET status = 'refunded', settled_at = facts.read_at
        WHERE campaign_target_id = target_id;
        UPDATE campaign_targets SET status = 'refunded', cancelled_at = facts.read_at
        WHERE id = target_id;
        INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id, created_at)
        SELECT act, actor_id, 'advertiser', jsonb_build_object('target_id', target_id,
                'campaign_id', target.campaign_id, 'channel_id', target.channel_id,
                'amount', held.amount, 'reason', cancel_placement.reason),
            cancel_placement.correlation_id, facts.read_at
        FROM unnest(ARRAY['placement_cancelled', 'escrow_refunded']) AS act;
        INSERT INTO outbox (user_id, kind, payload, key, created_at)
        SELECT told.user_id, 'placement_cancelled', jsonb_build_object('target_id', target_id,
                'reason', cancel_placement.reason, 'to', told.party),
            concat_ws(':', 'placement_cancelled', target_id, told.party), facts.read_at
        FROM (VALUES (target.owner_id, 'owner'), (NULL, 'staff')) AS told (user_id, party);
    END CASE;
END $$
