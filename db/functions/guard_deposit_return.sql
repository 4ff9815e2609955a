-- Triggers `wanted_by_payer` and `decided_by_telegram` of deposit_returns. A return (giving a payment in Stars
-- back to its payer) is of a credited deposit in Stars, whole, and its payer has pressed the button of exactly
-- this return in an update that is being handled. The number of a claim grows by one with each claim. Telegram is
-- asked only if all deposits in Stars of the payer agree with Telegram's list. Only the login of the scheduler,
-- which asks Telegram, records the answer to a claim. Anybody else, and the scheduler without a claim, says that
-- a return is done only if Telegram has reported the refund. A session that may write updates itself is
-- not asked for the press.
-- Locks: nothing. Raises: AD190 (the deposit), AD191 (the press), AD192 (the number of the claim), AD193 (the
-- comparison), AD194 (the outcome).
CREATE OR REPLACE FUNCTION guard_deposit_return() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    is_claim boolean;
    asks_telegram boolean := pg_has_role(session_user, role_name('clock'), 'MEMBER');
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT EXISTS (
            SELECT FROM deposits deposit
            WHERE deposit.id = NEW.deposit_id AND deposit.status = 'credited'
                AND deposit.currency = 'XTR'
                AND (deposit.user_id, deposit.amount, deposit.currency)
                    = (NEW.user_id, NEW.amount, NEW.currency)
        ) THEN
            RAISE EXCEPTION 'not a payment in Stars that can be given back' USING ERRCODE = 'AD190';
        END IF;
        IF NOT pg_has_role(session_user, role_name('intake'), 'MEMBER')
            AND NOT pg_has_role(session_user, current_user, 'MEMBER')
            AND NOT EXISTS (
                SELECT FROM inbox stored JOIN users person
                    ON person.telegram_id::text = stored.payload #>> '{callback_query,from,id}'
                WHERE stored.done_at IS NULL AND stored.failed_at IS NULL
                    AND person.id = NEW.user_id
                    AND stored.payload #>> '{callback_query,data}'
                        = concat_ws(':', 'giveback', NEW.deposit_id, NEW.number))
        THEN
            RAISE EXCEPTION 'this person has not asked for this payment back'
            USING ERRCODE = 'AD191';
        END IF;
        RETURN NEW;
    END IF;
    is_claim := OLD.status = 'requested' AND NEW.status = 'sending';
    IF NEW.claim_no <> OLD.claim_no + is_claim::integer THEN
        RAISE EXCEPTION 'the number of the claim of a return grows with each claim'
        USING ERRCODE = 'AD192';
    ELSIF is_claim AND EXISTS (
        SELECT FROM deposits
        WHERE user_id = NEW.user_id AND currency = 'XTR' AND comparison IS NULL
            AND created_at <= NEW.created_at)
    THEN
        RAISE EXCEPTION 'the deposits of the payer are not compared with the list of Telegram'
        USING ERRCODE = 'AD193';
    ELSIF (NEW.status = 'done' AND OLD.status <> 'done'
            AND NOT (OLD.status = 'sending' AND asks_telegram)
            AND NOT EXISTS (
                SELECT FROM received_payments said
                JOIN deposits deposit ON deposit.external_reference = said.charge_id
                WHERE said.kind = 'refund' AND deposit.id = NEW.deposit_id
                    AND said.amount = NEW.amount AND said.currency = NEW.currency))
        OR (NEW.status NOT IN ('done', OLD.status) AND OLD.status IN ('sending', 'uncertain')
            AND NOT asks_telegram)
    THEN
        RAISE EXCEPTION 'an outcome of a return that Telegram has not said' USING ERRCODE = 'AD194';
    END IF;
    RETURN NEW;
END $$
