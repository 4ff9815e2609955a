-- Requires that the escrow of a target (a placement) and its transfers say the same: status, amount,
-- advertiser and owner. A release after a split (a decision about a complaint) returns a part to the
-- advertiser, and has the fee of the other part. Called at commit. An orphan (an entry without a second leg) does not count
-- after a correction has balanced it.
-- Locks: nothing.
-- Raises: AD017 (the escrow does not match its target), AD012 (the transfers do not match the
-- escrow, or there is no escrow; DETAIL says what was expected and what was found).
CREATE OR REPLACE FUNCTION require_escrow_match(target_id bigint) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    facts record;
    kept bigint;
    kept_fee bigint;
    expected text;
    posted text;
BEGIN
    SELECT escrow.*, target.owner_id, target.price, target.fee_bps, campaign.advertiser_id,
        (SELECT id FROM wallets WHERE user_id = campaign.advertiser_id AND kind = 'user')
            AS advertiser_wallet_id,
        (SELECT id FROM wallets WHERE user_id = target.owner_id AND kind = 'user')
            AS owner_wallet_id,
        (SELECT id FROM wallets WHERE counterparty_id = target.owner_id AND kind = 'revenue')
            AS revenue_wallet_id,
        (SELECT kind FROM wallets WHERE id = escrow.wallet_id) AS wallet_kind
    INTO facts
    FROM escrows escrow
    JOIN campaign_targets target ON target.id = escrow.campaign_target_id
    JOIN campaigns campaign ON campaign.id = target.campaign_id
    WHERE escrow.campaign_target_id = target_id;

    -- Of a target without an escrow nothing is expected that could have been posted.
    IF facts.amount <> facts.price OR facts.wallet_kind <> 'escrow'
        OR facts.fee <> div(facts.price::numeric * facts.fee_bps, 10000)
    THEN
        RAISE EXCEPTION 'an escrow does not match its target' USING ERRCODE = 'AD017';
    END IF;

    -- What must stand in the ledger, leg by leg, in one canonical form.
    expected := concat_ws(' ',
        'escrow_hold', facts.advertiser_wallet_id, -facts.amount, 'escrow_hold',
        'escrow_hold', facts.wallet_id, facts.amount, 'escrow_hold');
    IF facts.status = 'refunded' THEN
        expected := concat_ws(' ', expected,
            'refund', facts.advertiser_wallet_id, facts.amount, 'refund',
            'refund', facts.wallet_id, -facts.amount, 'refund');
    ELSIF facts.status = 'released' THEN
        kept := facts.amount - facts.returned;
        kept_fee := div(kept::numeric * facts.fee_bps, 10000);
        expected := concat_ws(' ', expected,
            'payout', facts.wallet_id, -facts.amount, 'escrow_release',
            CASE WHEN kept_fee > 0
                THEN concat_ws(' ', 'payout', facts.revenue_wallet_id, kept_fee, 'fee') END,
            'payout', facts.owner_wallet_id, kept - kept_fee, 'payout',
            CASE WHEN facts.returned > 0
                THEN concat_ws(' ', 'payout', facts.advertiser_wallet_id, facts.returned, 'refund')
                END);
    END IF;
    SELECT string_agg(concat_ws(' ', transfer.reason, entry.wallet_id, entry.amount, entry.reason),
        ' ' ORDER BY array_position(ARRAY['escrow_hold', 'refund', 'payout'], transfer.reason::text),
            array_position(ARRAY['escrow_release', 'fee', 'payout', 'refund'], entry.reason::text),
            entry.wallet_id = facts.wallet_id, entry.id)
    INTO posted
    FROM (  -- in two parts, each with a partial index of its own
        SELECT id, reason FROM ledger_transfers
        WHERE reference_id = target_id AND reason = 'escrow_hold'
        UNION ALL
        SELECT id, reason FROM ledger_transfers
        WHERE reference_id = target_id AND reason IN ('payout', 'refund')
    ) AS transfer
    JOIN explained_entries entry
        ON entry.transfer_id = transfer.id AND entry.reason <> 'adjustment';
    IF posted IS DISTINCT FROM expected THEN
        RAISE EXCEPTION 'an escrow and its transfers do not match'
        USING ERRCODE = 'AD012', DETAIL = format('expected %s, found %s', expected, posted);
    END IF;
END $$
