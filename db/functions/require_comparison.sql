-- Trigger `compared` of withdrawals, before an approval from a wallet in Stars: the books agree with
-- Telegram's list. Other currencies are not in the list, and the wallet says which currency it has.
-- The list has been read to its end in the last 5 minutes, and it covers every deposit in Stars that was
-- recorded before the money of the withdrawal was held. Only such a deposit can have paid for it, directly
-- or by placements. A deposit that Telegram does not list is not compared until an operator has closed
-- the incident that names it.
-- Locks: nothing. Raises: AD053.
CREATE OR REPLACE FUNCTION require_comparison() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM wallets
        WHERE user_id = NEW.user_id AND kind = 'user' AND currency = 'XTR'
    ) THEN
        RETURN NEW;
    END IF;
    IF NOT EXISTS (
        SELECT FROM star_list_positions WHERE read_at >= clock() - interval '5 minutes'
    ) OR EXISTS (
        SELECT FROM deposits
        WHERE currency = 'XTR' AND comparison IS NULL
            AND created_at <= (SELECT max(entry.created_at) FROM ledger_entries entry
                WHERE entry.reference_id = NEW.id AND entry.reason = 'withdrawal_hold')
    ) THEN
        RAISE EXCEPTION 'deposits in Stars are not compared with the list of Telegram'
        USING ERRCODE = 'AD053';
    END IF;
    RETURN NEW;
END $$
