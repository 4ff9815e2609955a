-- Triggers `signed_proposal` and `signed_confirmation` of corrections: the proposer has pressed "That was
-- me" on their own request for exactly this correction (its kind, wallets, entry, placement, amount and
-- reason). The confirmer has pressed the confirmation of this correction or has written
-- `/confirm 12 why`. Both did it in the update that is being handled.
-- Locks: nothing. Raises: AD064 (no request of the proposer), AD080 (the request asks for another
-- correction); what `require_words` raises.
CREATE OR REPLACE FUNCTION guard_signature() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    request staff_requests;
    asked jsonb := jsonb_build_object('correction', NEW.kind) || CASE NEW.kind
        WHEN 'adjustment' THEN jsonb_build_object('from_wallet', NEW.wallet_id,
            'to_wallet', NEW.other_wallet_id, 'amount', NEW.amount)
        WHEN 'balance_reset' THEN jsonb_build_object('wallet_id', NEW.wallet_id)
        WHEN 'orphan_entry' THEN jsonb_build_object('entry_id', NEW.entry_id)
        ELSE jsonb_build_object('target_id', NEW.target_id) END;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM require_words(NEW.confirmed_in, NEW.confirmed_by, format(
            '^(correction:yes:%s:|\s*/confirm(@\w+)?\s+#?0*%s\s)', NEW.id, NEW.id));
        RETURN NEW;
    END IF;
    SELECT * INTO request FROM staff_requests
    WHERE kind = 'correction' AND requested_by = NEW.proposed_by
        AND words_in_update(NEW.proposed_in, NEW.proposed_by) = 'request:mine:' || id;
    IF request.id IS NULL THEN
        RAISE EXCEPTION 'a correction that its proposer has not requested' USING ERRCODE = 'AD064';
    ELSIF request.reason <> NEW.reason
        OR request.arguments <> asked
        OR (NEW.kind = 'orphan_entry' AND (NEW.other_wallet_id IS NOT NULL OR NOT EXISTS (
            SELECT FROM ledger_entries WHERE id = NEW.entry_id
                AND (wallet_id, amount) = (NEW.wallet_id, NEW.amount))))
    THEN
        RAISE EXCEPTION 'the request asks for another correction' USING ERRCODE = 'AD080';
    END IF;
    RETURN NEW;
END $$
