-- Adds the next link to the audit chain and returns it, or no row if there are no new entries or another
-- process adds a link. The link covers about `row_limit` entries (at most 50000) of transactions that
-- have all ended; the entries of one transaction are never divided. No login can write a link in
-- another way. `services/money/audit_chain.py` computes the same digest without this function, so that a
-- replaced function shows.
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
    link.digest := encode(sha256(convert_to(concat_ws(' ', coalesce(before.digest, ''), link.number,
        link.upto_txn, link.entries, content), 'UTF8')), 'hex');
    link.created_at := clock();
    INSERT INTO audit_chain_links SELECT link.*;
    RETURN NEXT link;
END $$
