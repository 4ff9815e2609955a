-- Triggers `switched` of escrows, withdrawals, deposits, corrections and post_jobs: refuse a movement of
-- money, or a claim of a post, while a kill switch that forbids it is stopped or an open incident freezes
-- it. The arguments of the trigger are the keys of the switches. The services lock the same switches before
-- any row, so that these locks cost nothing there; for any other session they make a stop wait for it, or
-- end it. A transaction that sees an old state of the database is refused, because it cannot read a stop
-- that was committed after it began.
-- Locks: the switches (advisory, shared), in the order of the trigger's arguments.
-- Raises: AD072 (stopped; DETAIL is the key), AD073 (isolation level).
CREATE OR REPLACE FUNCTION require_running() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a switch is read in a transaction that may see an old state'
        USING ERRCODE = 'AD073';
    END IF;
    FOR position IN 0 .. TG_NARGS - 1 LOOP
        PERFORM pg_advisory_xact_lock_shared(7001, hashtext(TG_ARGV[position]));
        IF NOT EXISTS (SELECT FROM running_switches WHERE key = TG_ARGV[position]) THEN
            RAISE EXCEPTION 'a switch is stopped' USING ERRCODE = 'AD072', DETAIL = TG_ARGV[position];
        END IF;
    END LOOP;
    RETURN NEW;
END $$
