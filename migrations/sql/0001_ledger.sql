-- The one way in: posts a transfer, or finds the one that has this key.
-- Errors (SQLSTATE): AD001 key used with other content, AD002 too little money,
-- AD003 legs that are no transfer, AD004 unknown wallet, AD005 mixed currencies.
-- Locks: the wallets of the legs, in the order of their ids.
-- Generic plans: for arrays that it can look into, the planner would plan anew at every call, a tenth
-- of an approval. The plan is a look-up for each leg, whatever they are.
CREATE FUNCTION post_transfer(
    p_key text, p_reason text, p_reference_id bigint,
    p_wallet_ids bigint[], p_amounts bigint[], p_reasons text[],
    p_actor_id bigint, p_correlation_id text,
    OUT transfer_id bigint, OUT created boolean
) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_same boolean;
    v_at timestamptz := clock();
    v record;
BEGIN
    IF cardinality(p_wallet_ids) < 2
        OR cardinality(p_wallet_ids) <> cardinality(p_amounts)
        OR cardinality(p_wallet_ids) <> cardinality(p_reasons)
        OR array_position(p_amounts, NULL) IS NOT NULL
        OR 0 = ANY (p_amounts)
        OR (SELECT sum(amount) FROM unnest(p_amounts) AS leg (amount)) <> 0
    THEN
        RAISE EXCEPTION 'legs are no transfer' USING ERRCODE = 'AD003';
    END IF;

    INSERT INTO ledger_transfers
        (key, reason, reference_id, actor_id, correlation_id, created_at)
    VALUES (p_key, p_reason, p_reference_id, p_actor_id, p_correlation_id, v_at)
    ON CONFLICT (key) DO NOTHING
    RETURNING id INTO transfer_id;

    IF transfer_id IS NULL THEN
        -- Content is reason, reference and legs; never who asked, or when.
        SELECT t.id,
            t.reason = p_reason AND t.reference_id = p_reference_id AND NOT EXISTS (
                SELECT FROM (
                    SELECT e.wallet_id, e.amount, e.reason::text
                    FROM ledger_entries e WHERE e.transfer_id = t.id
                ) AS posted (wallet_id, amount, reason)
                FULL JOIN unnest(p_wallet_ids, p_amounts, p_reasons)
                    AS asked (wallet_id, amount, reason) USING (wallet_id, amount, reason)
                WHERE posted.* IS NULL OR asked.* IS NULL
            )
        INTO transfer_id, v_same
        FROM ledger_transfers t WHERE t.key = p_key;
        IF v_same IS NOT TRUE THEN
            RAISE EXCEPTION 'idempotency key was used with other content' USING ERRCODE = 'AD001';
        END IF;
        created := false;
        RETURN;
    END IF;

    -- A row that is locked is read as it is by then, whatever the statement saw before it waited.
    SELECT count(DISTINCT w.id) AS found, count(DISTINCT w.currency) AS currencies,
        min(w.id) FILTER (WHERE w.kind <> 'external' AND w.balance + leg.amount < 0) AS short
    INTO v
    FROM (
        SELECT id, kind, currency, balance FROM wallets
        WHERE id = ANY (p_wallet_ids) ORDER BY id FOR NO KEY UPDATE
    ) AS w JOIN unnest(p_wallet_ids, p_amounts) AS leg (wallet_id, amount) ON leg.wallet_id = w.id;
    IF v.found <> cardinality(p_wallet_ids) THEN
        RAISE EXCEPTION 'a leg names an unknown wallet, or one twice' USING ERRCODE = 'AD004';
    END IF;
    IF v.currencies <> 1 THEN
        RAISE EXCEPTION 'legs of several currencies' USING ERRCODE = 'AD005';
    END IF;
    IF v.short IS NOT NULL THEN
        RAISE EXCEPTION 'too little money' USING ERRCODE = 'AD002', DETAIL = (
            SELECT json_build_object('user_id', w.user_id, 'balance', w.balance,
                'needed', -leg.amount, 'currency', w.currency)::text
            FROM unnest(p_wallet_ids, p_amounts) AS leg (wallet_id, amount)
            JOIN wallets w ON w.id = leg.wallet_id WHERE w.id = v.short);
    END IF;

    WITH leg AS (
        SELECT * FROM unnest(p_wallet_ids, p_amounts, p_reasons) AS l (wallet_id, amount, reason)
    ), moved AS (
        UPDATE wallets w SET balance = w.balance + leg.amount, version = w.version + 1
        FROM leg WHERE w.id = leg.wallet_id
        RETURNING w.id, w.balance, w.version, leg.amount, leg.reason
    )
    INSERT INTO ledger_entries
        (transfer_id, wallet_id, amount, balance_after, version, reason, reference_id, created_at)
    SELECT post_transfer.transfer_id, m.id, m.amount, m.balance, m.version, m.reason,
        p_reference_id, v_at
    FROM moved m ORDER BY m.id;
    created := true;
END $$
--;
-- Makes an empty wallet, or finds it. An escrow wallet is always a new one.
CREATE FUNCTION open_wallet(
    p_kind text, p_user_id bigint, p_counterparty_id bigint, p_currency text
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_id bigint;
BEGIN
    INSERT INTO wallets (kind, user_id, counterparty_id, currency)
    VALUES (p_kind, p_user_id, p_counterparty_id, p_currency)
    ON CONFLICT DO NOTHING RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        SELECT id INTO v_id FROM wallets
        WHERE kind = p_kind
            AND user_id IS NOT DISTINCT FROM p_user_id
            AND counterparty_id IS NOT DISTINCT FROM p_counterparty_id;
    END IF;
    RETURN v_id;
END $$
--;
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'AD006';
END $$
--;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transfers
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON user_audit_logs
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON wallets
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON escrows
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE FUNCTION require_zero_sum() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM ledger_entries e
        WHERE e.transfer_id IN (SELECT transfer_id FROM added)
        GROUP BY e.transfer_id HAVING sum(e.amount) <> 0
    ) THEN
        RAISE EXCEPTION 'legs of a transfer do not sum to zero' USING ERRCODE = 'AD007';
    END IF;
    RETURN NULL;
END $$
--;
CREATE TRIGGER zero_sum AFTER INSERT ON ledger_entries
REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION require_zero_sum()
--;
CREATE FUNCTION require_empty_wallet() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.balance <> 0 OR NEW.version <> 0 THEN
        RAISE EXCEPTION 'a wallet is opened empty' USING ERRCODE = 'AD008';
    END IF;
    RETURN NEW;
END $$
--;
CREATE TRIGGER opened_empty BEFORE INSERT ON wallets
FOR EACH ROW EXECUTE FUNCTION require_empty_wallet()
--;
-- A balance is moved by entries alone: the wallet's last version is the last entry's, the balance
-- is that entry's, and what lies between is the sum of the entries in between.
CREATE FUNCTION require_entries() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM now_is n JOIN was w USING (id)
        WHERE (n.user_id, n.counterparty_id, n.kind, n.currency)
            IS DISTINCT FROM (w.user_id, w.counterparty_id, w.kind, w.currency)
    ) OR (SELECT count(*) FROM now_is) <> (SELECT count(*) FROM now_is n JOIN was w USING (id)) THEN
        RAISE EXCEPTION 'whose wallet it is never changes' USING ERRCODE = 'AD009';
    END IF;
    IF EXISTS (
        SELECT FROM now_is n JOIN was w USING (id)
        WHERE (n.balance, n.version) IS DISTINCT FROM (w.balance, w.version) AND (
            n.version <= w.version
            OR n.balance - w.balance IS DISTINCT FROM (
                SELECT sum(e.amount) FROM ledger_entries e
                WHERE e.wallet_id = n.id AND e.version > w.version AND e.version <= n.version)
            OR n.balance IS DISTINCT FROM (
                SELECT e.balance_after FROM ledger_entries e
                WHERE e.wallet_id = n.id AND e.version = n.version)
        )
    ) THEN
        RAISE EXCEPTION 'a balance was not moved by an entry' USING ERRCODE = 'AD010';
    END IF;
    RETURN NULL;
END $$
--;
CREATE TRIGGER moved_by_entries AFTER UPDATE ON wallets
REFERENCING OLD TABLE AS was NEW TABLE AS now_is
FOR EACH STATEMENT EXECUTE FUNCTION require_entries()
--;
-- Held moves to released or refunded, once; amount, fee, wallet and target never change.
CREATE FUNCTION guard_escrow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'held' OR (OLD.campaign_target_id, OLD.wallet_id, OLD.amount, OLD.fee)
        IS DISTINCT FROM (NEW.campaign_target_id, NEW.wallet_id, NEW.amount, NEW.fee)
    THEN
        RAISE EXCEPTION 'a settled escrow never changes, nor do its terms' USING ERRCODE = 'AD011';
    END IF;
    RETURN NEW;
END $$
--;
CREATE TRIGGER settled_once BEFORE UPDATE ON escrows
FOR EACH ROW EXECUTE FUNCTION guard_escrow()
--;
-- At commit an escrow and its transfers say the same: status, amount and parties.
CREATE FUNCTION require_escrow_match(p_target_id bigint) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v record;
    v_expected text;
    v_posted text;
BEGIN
    SELECT e.*, t.owner_id, t.price, t.fee_bps, c.advertiser_id,
        (SELECT id FROM wallets WHERE user_id = c.advertiser_id AND kind = 'user') AS advertiser,
        (SELECT id FROM wallets WHERE user_id = t.owner_id AND kind = 'user') AS owner,
        (SELECT id FROM wallets WHERE counterparty_id = t.owner_id AND kind = 'revenue') AS revenue,
        (SELECT kind FROM wallets WHERE id = e.wallet_id) AS wallet_kind
    INTO v
    FROM escrows e
    JOIN campaign_targets t ON t.id = e.campaign_target_id
    JOIN campaigns c ON c.id = t.campaign_id
    WHERE e.campaign_target_id = p_target_id;

    -- Of a target without an escrow nothing is expected that could have been posted.
    IF v.amount <> v.price OR v.wallet_kind <> 'escrow'
        OR v.fee <> div(v.price::numeric * v.fee_bps, 10000)
    THEN
        RAISE EXCEPTION 'a transfer or escrow that does not match its target' USING ERRCODE = 'AD012';
    END IF;

    -- What must stand in the ledger, leg by leg, in one canonical form.
    v_expected := concat_ws(' ',
        'escrow_hold', v.advertiser, -v.amount, 'escrow_hold',
        'escrow_hold', v.wallet_id, v.amount, 'escrow_hold');
    IF v.status = 'refunded' THEN
        v_expected := concat_ws(' ', v_expected,
            'refund', v.advertiser, v.amount, 'refund',
            'refund', v.wallet_id, -v.amount, 'refund');
    ELSIF v.status = 'released' THEN
        v_expected := concat_ws(' ', v_expected,
            'payout', v.wallet_id, -v.amount, 'escrow_release',
            CASE WHEN v.fee > 0 THEN concat_ws(' ', 'payout', v.revenue, v.fee, 'fee') END,
            'payout', v.owner, v.amount - v.fee, 'payout');
    END IF;
    SELECT string_agg(concat_ws(' ', t.reason, e.wallet_id, e.amount, e.reason), ' '
        ORDER BY array_position(ARRAY['escrow_hold', 'refund', 'payout'], t.reason::text),
            array_position(ARRAY['escrow_release', 'fee', 'payout'], e.reason::text),
            e.wallet_id = v.wallet_id, e.id)
    INTO v_posted
    FROM (  -- in two parts, each with a partial index of its own
        SELECT id, reason FROM ledger_transfers
        WHERE reference_id = p_target_id AND reason = 'escrow_hold'
        UNION ALL
        SELECT id, reason FROM ledger_transfers
        WHERE reference_id = p_target_id AND reason IN ('payout', 'refund')
    ) AS t JOIN ledger_entries e ON e.transfer_id = t.id;
    IF v_posted IS DISTINCT FROM v_expected THEN
        RAISE EXCEPTION 'an escrow and its transfers do not match'
        USING ERRCODE = 'AD012', DETAIL = format('expected %s, found %s', v_expected, v_posted);
    END IF;
END $$
--;
CREATE FUNCTION check_escrow() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_escrow_match(NEW.campaign_target_id);
    RETURN NULL;
END $$
--;
CREATE CONSTRAINT TRIGGER matches_ledger AFTER INSERT OR UPDATE OF status ON escrows
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_escrow()
--;
CREATE FUNCTION check_transfer() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.reason IN ('escrow_hold', 'payout', 'refund') THEN
        PERFORM require_escrow_match(NEW.reference_id);
    ELSIF (SELECT count(*) FROM ledger_entries WHERE transfer_id = NEW.id) < 2 THEN
        RAISE EXCEPTION 'a transfer without legs' USING ERRCODE = 'AD003';
    ELSIF EXISTS (
        SELECT FROM ledger_entries e JOIN wallets w ON w.id = e.wallet_id
        WHERE e.transfer_id = NEW.id AND w.kind = 'escrow'
    ) THEN
        RAISE EXCEPTION 'held money moves by hold, payout and refund alone' USING ERRCODE = 'AD012';
    END IF;
    RETURN NULL;
END $$
--;
CREATE CONSTRAINT TRIGGER matches_escrow AFTER INSERT ON ledger_transfers
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_transfer()
