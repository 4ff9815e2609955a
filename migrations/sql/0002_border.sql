-- All entries but the orphans that corrections have balanced, which say what never happened.
CREATE VIEW explained_entries AS
SELECT * FROM ledger_entries e
WHERE NOT EXISTS (SELECT FROM corrections c WHERE c.entry_id = e.id AND c.status = 'done')
--;
-- Locks one wallet, and says what is in it: who takes "what is there" has to know it until it is
-- taken. The wallets of a transfer are locked by `post_transfer`.
CREATE FUNCTION lock_wallet(p_wallet_id bigint) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT balance FROM wallets WHERE id = p_wallet_id FOR NO KEY UPDATE
$$
--;
-- Refuses unless exactly these legs stand in the ledger under these reasons and this reference.
-- An orphan that a correction has balanced, and the leg that completed its transfer, do not count.
CREATE FUNCTION require_legs(
    p_reference_id bigint, p_of_reasons text[],
    p_reasons text[], p_wallet_ids bigint[], p_amounts bigint[]
) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        WITH posted AS (
            SELECT t.reason::text, e.wallet_id, e.amount
            FROM ledger_transfers t JOIN explained_entries e ON e.transfer_id = t.id
            WHERE t.id IN (
                    SELECT l.transfer_id FROM ledger_entries l
                    WHERE l.reference_id = p_reference_id AND l.reason = ANY (p_of_reasons))
                AND t.reference_id = p_reference_id AND t.reason = ANY (p_of_reasons)
                AND (e.reason <> 'adjustment' OR t.reason = 'adjustment')
        ), expected AS (
            SELECT * FROM unnest(p_reasons, p_wallet_ids, p_amounts) AS leg (reason, wallet_id, amount)
            WHERE amount <> 0
        )
        (TABLE posted EXCEPT ALL TABLE expected) UNION ALL (TABLE expected EXCEPT ALL TABLE posted)
    ) THEN
        RAISE EXCEPTION 'a transfer does not match the row that it belongs to' USING
            ERRCODE = 'AD012', DETAIL = format('%s of %s', p_of_reasons, p_reference_id);
    END IF;
END $$
--;
CREATE FUNCTION require_deposit_match(p_deposit_id bigint) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v deposits;
    c clawbacks;
    v_user bigint;
    v_outside bigint;
BEGIN
    -- The lock lets two transactions that post for one deposit look one after the other.
    SELECT * INTO v FROM deposits WHERE id = p_deposit_id FOR NO KEY UPDATE;
    SELECT * INTO c FROM clawbacks WHERE deposit_id = p_deposit_id;
    IF v.id IS NULL OR (c.id IS NOT NULL) <> (v.status = 'clawed_back')
        OR (v.status = 'credited' AND v.credited_at IS NULL)
        OR (v.status = 'received' AND v.credited_at IS NOT NULL)
        OR (c.id IS NOT NULL AND (c.user_id, c.amount, c.currency, c.recovered + c.loss)
            IS DISTINCT FROM (v.user_id, v.amount, v.currency,
                CASE WHEN v.credited_at IS NULL THEN 0 ELSE v.amount END))
    THEN
        RAISE EXCEPTION 'a deposit and its clawback do not match' USING ERRCODE = 'AD012';
    END IF;
    SELECT id INTO v_user FROM wallets WHERE user_id = v.user_id AND kind = 'user';
    SELECT id INTO v_outside FROM wallets WHERE counterparty_id = v.user_id AND kind = 'external';
    PERFORM require_legs(v.id, '{deposit}', '{deposit,deposit}', ARRAY[v_user, v_outside],
        CASE WHEN v.credited_at IS NULL THEN '{0,0}' ELSE ARRAY[v.amount, -v.amount] END);
    IF c.id IS NOT NULL THEN
        PERFORM require_legs(c.id, '{clawback}', '{clawback,clawback,clawback}',
            ARRAY[v_user, (SELECT id FROM wallets
                WHERE counterparty_id = v.user_id AND kind = 'loss'), v_outside],
            ARRAY[-c.recovered, -c.loss, c.recovered + c.loss]);
    END IF;
END $$
--;
CREATE FUNCTION require_withdrawal_match(p_withdrawal_id bigint) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v withdrawals;
    v_user bigint;
    v_holding bigint;
    v_outside bigint;
    v_paid bigint;
    v_returned bigint;
BEGIN
    SELECT * INTO v FROM withdrawals WHERE id = p_withdrawal_id FOR NO KEY UPDATE;
    IF v.id IS NULL THEN
        RAISE EXCEPTION 'a transfer of no withdrawal' USING ERRCODE = 'AD012';
    END IF;
    SELECT id INTO v_user FROM wallets WHERE user_id = v.user_id AND kind = 'user';
    SELECT id INTO v_holding FROM wallets WHERE user_id = v.user_id AND kind = 'withdrawal';
    SELECT id INTO v_outside FROM wallets WHERE counterparty_id = v.user_id AND kind = 'external';
    v_paid := CASE v.status WHEN 'paid' THEN v.amount ELSE 0 END;
    v_returned := CASE v.status WHEN 'returned' THEN v.amount ELSE 0 END;
    PERFORM require_legs(v.id, '{withdrawal_hold,withdrawal,withdrawal_return}',
        '{withdrawal_hold,withdrawal_hold,withdrawal,withdrawal,withdrawal_return,withdrawal_return}',
        ARRAY[v_user, v_holding, v_holding, v_outside, v_holding, v_user],
        ARRAY[-v.amount, v.amount, -v_paid, v_paid, -v_returned, v_returned]);
END $$
--;
CREATE FUNCTION require_correction_match(p_correction_id bigint) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v corrections;
BEGIN
    SELECT * INTO v FROM corrections WHERE id = p_correction_id FOR NO KEY UPDATE;
    IF v.id IS NULL THEN
        RAISE EXCEPTION 'an adjustment of no correction' USING ERRCODE = 'AD012';
    END IF;
    PERFORM require_legs(v.id, '{adjustment}', '{adjustment,adjustment}',
        ARRAY[v.wallet_id, v.other_wallet_id],
        CASE WHEN v.status = 'done' AND v.kind IN ('adjustment', 'orphan_entry')
            THEN ARRAY[-v.amount, v.amount] ELSE '{0,0}' END);
END $$
--;
CREATE FUNCTION check_border() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    CASE TG_TABLE_NAME
    WHEN 'deposits' THEN
        PERFORM require_deposit_match(NEW.id);
    WHEN 'clawbacks' THEN
        PERFORM require_deposit_match(NEW.deposit_id);
    WHEN 'withdrawals' THEN
        PERFORM require_withdrawal_match(NEW.id);
    WHEN 'corrections' THEN
        PERFORM require_correction_match(NEW.id);
    WHEN 'ledger_transfers' THEN
        -- What a transfer is looked up by later; a leg under another name would be overlooked.
        IF EXISTS (SELECT FROM ledger_entries WHERE transfer_id = NEW.id
            AND (reason, reference_id) IS DISTINCT FROM (NEW.reason, NEW.reference_id))
        THEN
            RAISE EXCEPTION 'a leg under another name than its transfer' USING ERRCODE = 'AD012';
        END IF;
        IF NEW.reason = 'deposit' THEN
            PERFORM require_deposit_match(NEW.reference_id);
        ELSIF NEW.reason = 'clawback' THEN
            PERFORM require_deposit_match(
                (SELECT deposit_id FROM clawbacks WHERE id = NEW.reference_id));
        ELSIF NEW.reason = 'adjustment' THEN
            PERFORM require_correction_match(NEW.reference_id);
        ELSE
            PERFORM require_withdrawal_match(NEW.reference_id);
        END IF;
    END CASE;
    RETURN NULL;
END $$
--;
CREATE CONSTRAINT TRIGGER matches_its_row AFTER INSERT ON ledger_transfers
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (NEW.reason IN ('deposit', 'clawback', 'withdrawal_hold', 'withdrawal', 'withdrawal_return',
    'adjustment'))
EXECUTE FUNCTION check_border()
--;
CREATE CONSTRAINT TRIGGER matches_ledger AFTER INSERT OR UPDATE ON deposits
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_border()
--;
CREATE CONSTRAINT TRIGGER matches_ledger AFTER INSERT OR UPDATE ON withdrawals
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_border()
--;
CREATE CONSTRAINT TRIGGER matches_ledger AFTER INSERT OR UPDATE ON clawbacks
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_border()
--;
CREATE CONSTRAINT TRIGGER matches_ledger AFTER INSERT OR UPDATE ON corrections
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_border()
--;
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON deposits
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON withdrawals
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON clawbacks
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON corrections
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
-- What was proposed never changes, nor who confirmed it, nor an end.
CREATE FUNCTION guard_correction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status IN ('done', 'dropped')
        OR (OLD.confirmed_by IS NOT NULL AND (OLD.confirmed_by, OLD.confirm_reason)
            IS DISTINCT FROM (NEW.confirmed_by, NEW.confirm_reason))
        OR (OLD.kind, OLD.wallet_id, OLD.amount, OLD.entry_id, OLD.target_id, OLD.proposed_by,
            OLD.reason) IS DISTINCT FROM (NEW.kind, NEW.wallet_id, NEW.amount, NEW.entry_id,
            NEW.target_id, NEW.proposed_by, NEW.reason)
    THEN
        RAISE EXCEPTION 'a correction keeps what was proposed and confirmed' USING ERRCODE = 'AD011';
    END IF;
    RETURN NEW;
END $$
--;
CREATE TRIGGER settled_once BEFORE UPDATE ON corrections
FOR EACH ROW EXECUTE FUNCTION guard_correction()
--;
GRANT SELECT, INSERT ON clawbacks, corrections TO adtech_app
--;
GRANT SELECT ON explained_entries TO adtech_app
--;
GRANT UPDATE (status, confirmed_by, confirm_reason, done_at) ON corrections TO adtech_app
--;
GRANT UPDATE (return_reason) ON withdrawals TO adtech_app
--;
GRANT EXECUTE ON FUNCTION lock_wallet(bigint) TO adtech_app
