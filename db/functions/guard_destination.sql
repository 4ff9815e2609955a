-- Trigger `confirmed_by_owner` of payout_destinations: a destination becomes current only if its person has
-- pressed the button that confirms exactly this one, in an update that is being handled. The time of the
-- confirmation, and whether the person had another confirmed destination before, are set here. A session that
-- may write updates itself is not asked, because it could invent the press.
-- Locks: nothing. Raises: AD120.
CREATE OR REPLACE FUNCTION guard_destination() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT (pg_has_role(session_user, role_name('intake'), 'MEMBER')
        OR pg_has_role(session_user, current_user, 'MEMBER')
        OR EXISTS (
            SELECT FROM inbox stored
            WHERE stored.done_at IS NULL AND stored.failed_at IS NULL
                AND words_in_update(stored.id, NEW.user_id)
                    ~ format('^(beside\|)?dest:confirm:%s$', NEW.id)))
    THEN
        RAISE EXCEPTION 'this person has not confirmed this destination' USING ERRCODE = 'AD120';
    END IF;
    NEW.confirmed_at := clock();
    NEW.is_change := EXISTS (SELECT FROM payout_destinations earlier
        WHERE earlier.user_id = NEW.user_id AND earlier.confirmed_at IS NOT NULL AND earlier.id <> NEW.id);
    RETURN NEW;
END $$
