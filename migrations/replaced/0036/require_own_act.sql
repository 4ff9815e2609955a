-- Triggers `bought_by_advertiser` of campaign_targets, `taken_over_by_owner` of channels and
-- `wanted_by_person` of withdrawals: in the update that is being handled, the advertiser has pressed "submit"
-- in a form or the button that buys again on these terms, the new owner of a channel has chosen this channel
-- in Telegram, and the person has pressed the button of exactly this withdrawal (its amount, key and
-- destination). The withdrawal of a clean-up after a tester needs the press of a second admin instead. A
-- session that may write updates itself is not asked, because it could invent the act.
-- Locks: nothing. Raises: AD079.
CREATE OR REPLACE FUNCTION require_own_act() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    trusted boolean := pg_has_role(session_user, role_name('intake'), 'MEMBER')
        OR pg_has_role(session_user, current_user, 'MEMBER');
BEGIN
    IF TG_TABLE_NAME = 'channels' THEN
        trusted := trusted OR EXISTS (
            SELECT FROM inbox stored JOIN users person
                ON person.telegram_id::text = stored.payload #>> '{message,from,id}'
            WHERE stored.done_at IS NULL AND stored.failed_at IS NULL
                AND person.id = NEW.owner_id
                AND stored.payload #>> '{message,chat_shared,chat_id}' = NEW.chat_id::text);
    ELSIF TG_TABLE_NAME = 'withdrawals' THEN
        trusted := trusted OR EXISTS (
            SELECT FROM inbox stored JOIN users person
                ON person.telegram_id::text = stored.payload #>> '{callback_query,from,id}'
            WHERE stored.done_at IS NULL AND stored.failed_at IS NULL
                AND person.id = NEW.user_id
                AND NEW.key = concat_ws(':', 'press', NEW.user_id, split_part(NEW.key, ':', 3))
                AND stored.payload #>> '{callback_query,data}' = concat_ws(':',
                    CASE WHEN NEW.destination_id IS NULL THEN 'withdraw' ELSE 'wto' END,
                    NEW.amount, split_part(NEW.key, ':', 3), NEW.destination_id))
        OR EXISTS (
            SELECT FROM staff_requests request
            WHERE NEW.key = 'clean_up:' || request.id AND request.subject_id = NEW.user_id
                AND is_clean_up_confirmed(request));
    ELSE
        trusted := trusted OR EXISTS (
            SELECT FROM inbox stored JOIN users person
                ON person.telegram_id::text = stored.payload #>> '{callback_query,from,id}'
            JOIN campaigns campaign ON campaign.advertiser_id = person.id
            WHERE stored.done_at IS NULL AND stored.failed_at IS NULL
                AND campaign.id = NEW.campaign_id
                AND (stored.payload #>> '{callback_query,data}' ~ E'\x1dsubmit$'
                    OR stored.payload #>> '{callback_query,data}' = concat_ws(':', 'retry',
                        NEW.retry_of, NEW.price, NEW.promised_hours)));
    END IF;
    IF NOT trusted THEN
        RAISE EXCEPTION 'this person has not done this in an update that is being handled'
        USING ERRCODE = 'AD079', DETAIL = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$
