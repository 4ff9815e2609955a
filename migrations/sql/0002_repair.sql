-- Repairs of the books that the ledger's guards forbid. Nobody but the owner's role may call them:
-- no GRANT follows. Each does what a correction says that two people have signed, looks at the
-- books again first, and takes the guard it has to away for its own transaction alone.
-- Errors (SQLSTATE): AD013 not confirmed, AD014 the books are not as the correction says.
CREATE FUNCTION repair(p_correction_id bigint) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v corrections;
BEGIN
    SELECT * INTO v FROM corrections WHERE id = p_correction_id FOR UPDATE;
    IF v.status IS DISTINCT FROM 'confirmed' THEN
        RAISE EXCEPTION 'a repair that two people have not confirmed' USING ERRCODE = 'AD013';
    END IF;
    CASE v.kind
    WHEN 'balance_reset' THEN PERFORM reset_balance(v.wallet_id);
    WHEN 'orphan_entry' THEN PERFORM balance_orphan(v);
    WHEN 'escrow_reversal' THEN PERFORM hold_again(v.target_id);
    END CASE;
    UPDATE corrections SET status = 'done', done_at = clock() WHERE id = p_correction_id;
END $$
--;
-- Sets a drifted balance to the wallet's last entry, but for orphans, which are balanced first. The
-- entries must explain that balance: numbered without a gap, and their sum.
CREATE FUNCTION reset_balance(p_wallet_id bigint) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_version bigint;
    v_orphan bigint;
    v_last bigint := 0;
    v_count bigint;
    v_sum bigint;
    v_after bigint;
BEGIN
    -- First wait for all who have locked a wallet, then keep them out: no circle with their rows.
    LOCK TABLE wallets IN EXCLUSIVE MODE;
    ALTER TABLE wallets DISABLE TRIGGER moved_by_entries;
    SELECT version INTO v_version FROM wallets WHERE id = p_wallet_id;
    SELECT min(e.version) INTO v_orphan FROM ledger_entries e
    WHERE e.wallet_id = p_wallet_id AND e.version > v_version
        AND (SELECT sum(l.amount) FROM ledger_entries l WHERE l.transfer_id = e.transfer_id) <> 0;
    SELECT count(*), coalesce(max(version), 0), coalesce(sum(amount), 0)
    INTO v_count, v_last, v_sum
    FROM ledger_entries
    WHERE wallet_id = p_wallet_id AND (v_orphan IS NULL OR version < v_orphan);
    SELECT balance_after INTO v_after FROM ledger_entries
    WHERE wallet_id = p_wallet_id AND version = v_last;
    IF v_count <> v_last OR v_sum <> coalesce(v_after, 0) THEN
        RAISE EXCEPTION 'the entries do not explain a balance' USING ERRCODE = 'AD014';
    END IF;
    UPDATE wallets SET balance = v_sum, version = v_last WHERE id = p_wallet_id;
    ALTER TABLE wallets ENABLE TRIGGER moved_by_entries;
END $$
--;
-- Completes the orphan's transfer with a leg of another wallet, and takes both back by a transfer
-- that belongs to the correction. No balance changes; the versions go on without a gap.
CREATE FUNCTION balance_orphan(p corrections) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    o ledger_entries;
    w wallets;
    f wallets;
    v_other bigint;
    v_transfer bigint;
    v_last bigint;
    v_after bigint;
BEGIN
    SELECT * INTO o FROM ledger_entries WHERE id = p.entry_id;
    SELECT * INTO w FROM wallets WHERE id = o.wallet_id;
    -- The other wallet is one of the same person's that the transfer does not name yet.
    SELECT open_wallet(kind, NULL, coalesce(w.user_id, w.counterparty_id), w.currency) INTO v_other
    FROM unnest(ARRAY['loss', 'external']) AS kind
    WHERE NOT EXISTS (
        SELECT FROM ledger_entries e JOIN wallets x ON x.id = e.wallet_id
        WHERE e.transfer_id = o.transfer_id AND x.kind = kind
            AND x.counterparty_id = coalesce(w.user_id, w.counterparty_id))
    LIMIT 1;
    PERFORM FROM wallets WHERE id IN (w.id, v_other) ORDER BY id FOR NO KEY UPDATE;
    SELECT * INTO w FROM wallets WHERE id = w.id;
    SELECT * INTO f FROM wallets WHERE id = v_other;
    SELECT max(version), w.balance + sum(amount) FILTER (WHERE version > w.version)
    INTO v_last, v_after
    FROM ledger_entries WHERE wallet_id = w.id HAVING max(version) = count(*);
    IF f.id IS NULL OR v_last IS NULL OR o.version <= w.version OR o.amount <> p.amount OR o.amount
        <> (SELECT sum(amount) FROM ledger_entries WHERE transfer_id = o.transfer_id)
    THEN
        RAISE EXCEPTION 'the entry is no orphan that can be balanced' USING ERRCODE = 'AD014';
    END IF;
    INSERT INTO ledger_entries
        (transfer_id, wallet_id, amount, balance_after, version, reason, reference_id)
    VALUES (o.transfer_id, f.id, -o.amount, f.balance - o.amount, f.version + 1, 'adjustment', p.id);
    INSERT INTO ledger_transfers (key, reason, reference_id, actor_id)
    VALUES ('correction:' || p.id, 'adjustment', p.id, p.confirmed_by) RETURNING id INTO v_transfer;
    INSERT INTO ledger_entries
        (transfer_id, wallet_id, amount, balance_after, version, reason, reference_id)
    VALUES
        (v_transfer, w.id, -o.amount, v_after - o.amount, v_last + 1, 'adjustment', p.id),
        (v_transfer, f.id, o.amount, f.balance, f.version + 2, 'adjustment', p.id);
    UPDATE wallets SET version = version + 2 WHERE id = f.id;
    -- With another orphan waiting, the wallet catches up when that one is balanced.
    UPDATE wallets SET version = v_last + 1 WHERE id = w.id AND balance = v_after - o.amount;
    UPDATE corrections SET other_wallet_id = f.id WHERE id = p.id;
END $$
--;
-- Holds an escrow again that is settled without its money having moved.
CREATE FUNCTION hold_again(p_target_id bigint) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM campaign_targets WHERE id = p_target_id FOR UPDATE; -- the target before all else
    ALTER TABLE escrows DISABLE TRIGGER settled_once;
    UPDATE escrows SET status = 'held', settled_at = NULL
    WHERE campaign_target_id = p_target_id AND status <> 'held';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the escrow is not settled' USING ERRCODE = 'AD014';
    END IF;
    UPDATE campaign_targets SET status = 'approved' WHERE id = p_target_id;
    SET CONSTRAINTS ALL IMMEDIATE; -- refuses here if any of its money has moved
    ALTER TABLE escrows ENABLE TRIGGER settled_once;
END $$
