-- Posts a transfer, or returns the transfer that was posted before with this key. Money moves in no
-- other way. Amounts are in minor units. Each array has one element for each leg. If the amount of
-- a leg is below zero, its wallet gives the amount. `reference` is the id of the row to which the
-- transfer belongs. `created` is false if a transfer with the same key and content exists already.
-- The content is the reason, the reference and the legs. The statements have a generic plan.
-- Otherwise the planner would make a new plan at every call, which takes a tenth of the time of an
-- approval. The generic plan makes one look-up for each leg, which is right for all legs.
-- Locks: the wallets of the legs, in the order of their ids.
-- Raises: AD001 (the key was used with other content), AD002 (too little money; DETAIL is JSON with
-- user_id, balance, needed and currency), AD003 (the legs are no transfer), AD004 (unknown wallet, or
-- one twice), AD005 (several currencies).
CREATE OR REPLACE FUNCTION post_transfer(
    transfer_key text, transfer_reason text, reference bigint,
    wallet_ids bigint[], amounts bigint[], reasons text[],
    actor_id bigint, correlation_id text,
    OUT transfer_id bigint, OUT created boolean
) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    same_content boolean;
    posted_at timestamptz := clock();
    locked record;
BEGIN
    IF cardinality(wallet_ids) < 2
        OR cardinality(wallet_ids) <> cardinality(amounts)
        OR cardinality(wallet_ids) <> cardinality(reasons)
        OR array_position(amounts, NULL) IS NOT NULL
        OR 0 = ANY (amounts)
        OR (SELECT sum(amount) FROM unnest(amounts) AS leg (amount)) <> 0
    THEN
        RAISE EXCEPTION 'legs are no transfer' USING ERRCODE = 'AD003';
    END IF;

    INSERT INTO ledger_transfers
        (key, reason, reference_id, actor_id, correlation_id, created_at)
    VALUES (transfer_key, transfer_reason, reference, post_transfer.actor_id,
        post_transfer.correlation_id, posted_at)
    ON CONFLICT (key) DO NOTHING
    RETURNING id INTO transfer_id;

    IF transfer_id IS NULL THEN
        SELECT transfer.id,
            transfer.reason = transfer_reason AND transfer.reference_id = reference AND NOT EXISTS (
                SELECT FROM (
                    SELECT entry.wallet_id, entry.amount, entry.reason::text
                    FROM ledger_entries entry WHERE entry.transfer_id = transfer.id
                ) AS posted (wallet_id, amount, reason)
                FULL JOIN unnest(wallet_ids, amounts, reasons)
                    AS asked (wallet_id, amount, reason) USING (wallet_id, amount, reason)
                WHERE posted.* IS NULL OR asked.* IS NULL
            )
        INTO transfer_id, same_content
        FROM ledger_transfers transfer WHERE transfer.key = transfer_key;
        IF same_content IS NOT TRUE THEN
            RAISE EXCEPTION 'idempotency key was used with other content' USING ERRCODE = 'AD001';
        END IF;
        created := false;
        RETURN;
    END IF;

    -- A row that is locked is read as it is by then, whatever the statement saw before it waited.
    SELECT count(DISTINCT wallet.id) AS found, count(DISTINCT wallet.currency) AS currencies,
        min(wallet.id) FILTER (
            WHERE wallet.kind NOT IN ('external', 'loss') AND wallet.balance + leg.amount < 0
        ) AS short
    INTO locked
    FROM (
        SELECT id, kind, currency, balance FROM wallets
        WHERE id = ANY (wallet_ids) ORDER BY id FOR NO KEY UPDATE
    ) AS wallet
    JOIN unnest(wallet_ids, amounts) AS leg (wallet_id, amount) ON leg.wallet_id = wallet.id;
    IF locked.found <> cardinality(wallet_ids) THEN
        RAISE EXCEPTION 'a leg names an unknown wallet, or one twice' USING ERRCODE = 'AD004';
    END IF;
    IF locked.currencies <> 1 THEN
        RAISE EXCEPTION 'legs of several currencies' USING ERRCODE = 'AD005';
    END IF;
    IF locked.short IS NOT NULL THEN
        RAISE EXCEPTION 'too little money' USING ERRCODE = 'AD002', DETAIL = (
            SELECT json_build_object('user_id', wallet.user_id, 'balance', wallet.balance,
                'needed', -leg.amount, 'currency', wallet.currency)::text
            FROM unnest(wallet_ids, amounts) AS leg (wallet_id, amount)
            JOIN wallets wallet ON wallet.id = leg.wallet_id WHERE wallet.id = locked.short);
    END IF;

    WITH leg AS (
        SELECT * FROM unnest(wallet_ids, amounts, reasons) AS asked (wallet_id, amount, reason)
    ), moved AS (
        UPDATE wallets wallet
        SET balance = wallet.balance + leg.amount, version = wallet.version + 1
        FROM leg WHERE wallet.id = leg.wallet_id
        RETURNING wallet.id, wallet.balance, wallet.version, leg.amount, leg.reason
    )
    INSERT INTO ledger_entries
        (transfer_id, wallet_id, amount, balance_after, version, reason, reference_id, created_at)
    SELECT post_transfer.transfer_id, moved.id, moved.amount, moved.balance, moved.version,
        moved.reason, reference, posted_at
    FROM moved ORDER BY moved.id;
    created := true;
END $$
