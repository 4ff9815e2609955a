-- Which transaction wrote a row, as a number that only grows. The number added to PostgreSQL's own
-- is 0 until a backup is restored into a new cluster, where transactions are counted from the start
-- again: `restart_ledger_txn` then replaces it.
CREATE FUNCTION ledger_txn() RETURNS bigint LANGUAGE sql STABLE
RETURN pg_current_xact_id()::text::bigint + 0
--;
-- Every transaction below this number has ended: what it wrote is seen by whoever looks now.
CREATE FUNCTION ledger_horizon() RETURNS bigint LANGUAGE sql STABLE
RETURN pg_snapshot_xmin(pg_current_snapshot())::text::bigint + 0
--;
ALTER TABLE ledger_entries ADD COLUMN txn bigint NOT NULL DEFAULT ledger_txn()
--;
ALTER TABLE escrows ADD COLUMN txn bigint NOT NULL DEFAULT ledger_txn()
--;
ALTER TABLE deposits ADD COLUMN txn bigint NOT NULL DEFAULT ledger_txn()
--;
ALTER TABLE withdrawals ADD COLUMN txn bigint NOT NULL DEFAULT ledger_txn()
--;
ALTER TABLE campaign_targets ADD COLUMN txn bigint NOT NULL DEFAULT ledger_txn()
--;
ALTER TABLE post_jobs ADD COLUMN txn bigint NOT NULL DEFAULT ledger_txn()
--;
CREATE INDEX ix_ledger_entries_txn ON ledger_entries (txn)
--;
CREATE INDEX ix_escrows_txn ON escrows (txn)
--;
CREATE INDEX ix_deposits_txn ON deposits (txn)
--;
CREATE INDEX ix_withdrawals_txn ON withdrawals (txn)
--;
CREATE INDEX ix_campaign_targets_txn ON campaign_targets (txn)
--;
CREATE INDEX ix_post_jobs_txn ON post_jobs (txn)
--;
-- A wallet's entries in their order, with what they sum to, without a look at the table itself.
ALTER TABLE ledger_entries DROP CONSTRAINT uq_ledger_entries_wallet_id_version
--;
ALTER TABLE ledger_entries ADD CONSTRAINT uq_ledger_entries_wallet_id_version
    UNIQUE (wallet_id, version) INCLUDE (amount, balance_after)
--;
ALTER TABLE ledger_checkpoints ADD COLUMN progress jsonb, ADD COLUMN full_since timestamptz
--;
CREATE FUNCTION stamp_txn() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.txn := ledger_txn();
    RETURN NEW;
END $$
--;
CREATE TRIGGER stamped BEFORE UPDATE ON escrows FOR EACH ROW EXECUTE FUNCTION stamp_txn()
--;
CREATE TRIGGER stamped BEFORE UPDATE ON deposits FOR EACH ROW EXECUTE FUNCTION stamp_txn()
--;
CREATE TRIGGER stamped BEFORE UPDATE ON withdrawals FOR EACH ROW EXECUTE FUNCTION stamp_txn()
--;
CREATE TRIGGER stamped BEFORE UPDATE ON campaign_targets FOR EACH ROW EXECUTE FUNCTION stamp_txn()
--;
CREATE TRIGGER stamped BEFORE UPDATE ON post_jobs FOR EACH ROW EXECUTE FUNCTION stamp_txn()
--;
-- For the owner, right after a restore into a new cluster and before anything is written: numbers
-- go on where they were. Returns what is added now to PostgreSQL's own.
CREATE FUNCTION restart_ledger_txn() RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_added bigint;
    v_last bigint;
BEGIN
    v_added := ledger_txn() - pg_current_xact_id()::text::bigint;
    SELECT max(last) INTO v_last FROM (
        SELECT max(txn) AS last FROM ledger_entries
        UNION ALL SELECT max(txn) FROM escrows
        UNION ALL SELECT max(txn) FROM deposits
        UNION ALL SELECT max(txn) FROM withdrawals
        UNION ALL SELECT max(txn) FROM campaign_targets
        UNION ALL SELECT max(txn) FROM post_jobs
        UNION ALL SELECT max(upto_txn) FROM audit_chain_links
        UNION ALL SELECT max((progress->>'horizon')::bigint) FROM ledger_checkpoints
    ) AS written;
    IF v_last >= ledger_txn() THEN
        v_added := v_last + 1 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
        EXECUTE format('CREATE OR REPLACE FUNCTION public.ledger_txn() RETURNS bigint LANGUAGE sql STABLE'
            ' RETURN pg_current_xact_id()::text::bigint + %s', v_added);
        EXECUTE format('CREATE OR REPLACE FUNCTION public.ledger_horizon() RETURNS bigint LANGUAGE sql'
            ' STABLE RETURN pg_snapshot_xmin(pg_current_snapshot())::text::bigint + %s', v_added);
    END IF;
    RETURN v_added;
END $$
--;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_chain_links
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
GRANT EXECUTE ON FUNCTION ledger_txn(), ledger_horizon() TO adtech_app
--;
GRANT SELECT, INSERT ON audit_chain_links TO adtech_app
