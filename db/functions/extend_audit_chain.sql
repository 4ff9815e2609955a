-- Adds the next link to the audit chain and returns it, or no row if there are no new entries or another
-- process adds a link. The link covers about `row_limit` entries (at most 50000) of transactions that
-- have all ended; the entries of one transaction are never divided. It also covers the frozen terms of
-- the rows for which these entries moved money, and the Telegram ids of the entries' people. No
-- login can write a link in another way. `services/money/audit_chain.py` computes the same digest
-- without this function, so that a replaced function shows.
-- Locks: the audit chain (advisory, without waiting). Raises: nothing.
CREATE OR REPLACE FUNCTION extend_audit_chain(row_limit integer) RETURNS SETOF audit_chain_links
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET extra_float_digits = 1 AS $$
DECLARE
    before audit_chain_links;
    link audit_chain_links;
    first_txn bigint;
    beyond_txn bigint;
    content text;
    terms text;
BEGIN
    IF NOT pg_try_advisory_xact_lock(7004) THEN
        RETURN;
    END IF;
    SELECT * INTO before FROM audit_chain_links ORDER BY number DESC LIMIT 1;
    link.number := coalesce(before.number, 0) + 1;
    link.from_txn := coalesce(before.upto_txn, -9223372036854775808);
    link.upto_txn := ledger_horizon();
    SELECT txn INTO first_txn FROM ledger_entries
    WHERE txn >= link.from_txn AND txn < link.upto_txn ORDER BY txn LIMIT 1;
    IF first_txn IS NULL THEN
        RETURN;
    END IF;
    SELECT txn INTO beyond_txn FROM ledger_entries
    WHERE txn >= link.from_txn AND txn < link.upto_txn
    ORDER BY txn OFFSET greatest(least(row_limit, 50000), 1) LIMIT 1;
    IF beyond_txn IS NOT NULL THEN
        link.upto_txn := greatest(beyond_txn, first_txn + 1);
    END IF;
    SELECT count(*), encode(sha256(convert_to(coalesce(
            string_agg(entry.line, E'\n' ORDER BY entry.id), ''), 'UTF8')), 'hex')
    INTO link.entries, content
    FROM (
        SELECT e.id, ROW(
            e.id, e.txn, e.transfer_id, e.wallet_id, e.amount, e.balance_after, e.version, e.reason,
            e.reference_id, date_part('epoch', e.created_at),
            t.key, t.reason, t.reference_id, t.actor_id, t.correlation_id,
            date_part('epoch', t.created_at),
            w.kind, w.user_id, w.counterparty_id, w.currency
        )::text AS line
        FROM ledger_entries e
        LEFT JOIN ledger_transfers t ON t.id = e.transfer_id
        LEFT JOIN wallets w ON w.id = e.wallet_id
        WHERE e.txn >= link.from_txn AND e.txn < link.upto_txn
    ) AS entry;
    WITH moved AS (
        SELECT t.reason, t.reference_id FROM ledger_transfers t
        WHERE t.id IN (SELECT transfer_id FROM ledger_entries
            WHERE txn >= link.from_txn AND txn < link.upto_txn)
    )
    SELECT encode(sha256(convert_to(coalesce(
        string_agg(sealed.line, E'\n' ORDER BY sealed.part, sealed.id), ''), 'UTF8')), 'hex')
    INTO terms
    FROM (
        SELECT 1 AS part, p.id, ROW(p.id, p.telegram_id)::text AS line FROM users p
        WHERE p.id IN (SELECT coalesce(w.user_id, w.counterparty_id)
            FROM ledger_entries e JOIN wallets w ON w.id = e.wallet_id
            WHERE e.txn >= link.from_txn AND e.txn < link.upto_txn)
        UNION ALL
        SELECT 2, g.id, ROW(
            g.id, s.id, s.wallet_id, s.amount, s.fee, g.price, g.fee_bps, g.promised_hours,
            date_part('epoch', g.publish_at), g.campaign_id, g.channel_id, h.chat_id,
            g.owner_id, o.telegram_id, c.advertiser_id, a.telegram_id,
            coalesce(g.creative, c.creative)::text
            || CASE WHEN g.hours_on_top = 0 AND g.ending = 'left' THEN ''
                ELSE g.hours_on_top::text || g.ending END)::text
        FROM moved JOIN campaign_targets g
            ON moved.reason IN ('escrow_hold', 'payout', 'refund') AND g.id = moved.reference_id
        JOIN escrows s ON s.campaign_target_id = g.id
        JOIN campaigns c ON c.id = g.campaign_id
        JOIN channels h ON h.id = g.channel_id
        JOIN users o ON o.id = g.owner_id
        JOIN users a ON a.id = c.advertiser_id
        UNION ALL
        SELECT 3, d.id, ROW(
            d.id, d.user_id, d.amount, d.currency, d.source, d.external_reference)::text
        FROM moved JOIN deposits d
            ON moved.reason = 'deposit' AND d.id = moved.reference_id
        UNION ALL
        SELECT 4, r.id, ROW(
            r.id, r.deposit_id, r.user_id, r.amount, r.recovered, r.loss, r.currency)::text
        FROM moved JOIN clawbacks r
            ON moved.reason = 'clawback' AND r.id = moved.reference_id
        UNION ALL
        SELECT 5, w.id, ROW(w.id, w.user_id, w.amount, w.currency, w.key)::text
            || CASE WHEN w.fee = 0 THEN '' ELSE w.fee::text END
        FROM moved JOIN withdrawals w
            ON moved.reason IN ('withdrawal_hold', 'withdrawal', 'withdrawal_return')
                AND w.id = moved.reference_id
        UNION ALL
        SELECT 6, x.id, ROW(x.id, x.withdrawal_id, x.user_id, x.amount, x.recovered, x.loss,
            x.currency, x.external_reference, x.recorded_by)::text
        FROM moved JOIN excess_payments x
            ON moved.reason = 'excess_payment' AND x.id = moved.reference_id
        UNION ALL
        SELECT 7, k.id, ROW(k.id, k.kind, k.wallet_id, k.other_wallet_id, k.amount, k.entry_id,
            k.target_id, k.proposed_by, k.reason, k.confirmed_by, k.confirm_reason)::text
        FROM moved JOIN corrections k
            ON moved.reason = 'adjustment' AND k.id = moved.reference_id
        UNION ALL
        SELECT 8, b.id, ROW(b.id, b.deposit_id, b.number, b.user_id, b.amount, b.currency)::text
        FROM moved JOIN deposit_returns b
            ON moved.reason IN ('return_hold', 'deposit_return', 'return_refused')
                AND b.id = moved.reference_id
    ) AS sealed;
    link.digest := encode(sha256(convert_to(concat_ws(' ', coalesce(before.digest, ''), link.number,
        link.upto_txn, link.entries, content, terms), 'UTF8')), 'hex');
    link.created_at := clock();
    INSERT INTO audit_chain_links SELECT link.*;
    RETURN NEXT link;
END $$
