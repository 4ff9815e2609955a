-- Triggers `paid_to_own` and `approved_to_own` of withdrawals: a withdrawal goes to a destination of its own
-- person. At the request, the destination is current, and a changed one was confirmed 24 hours ago. At the
-- approval, the person has not dropped it. A withdrawal without a destination is not asked.
-- Locks: nothing. Raises: AD121, AD122 (the destination is too new).
CREATE OR REPLACE FUNCTION require_destination() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    chosen payout_destinations;
BEGIN
    SELECT * INTO chosen FROM payout_destinations WHERE id = NEW.destination_id;
    IF chosen.id IS NULL OR chosen.user_id <> NEW.user_id OR chosen.confirmed_at IS NULL
        OR chosen.status = 'dropped' OR TG_OP = 'INSERT' AND chosen.status <> 'current'
    THEN
        RAISE EXCEPTION 'not a destination to which this person is paid' USING ERRCODE = 'AD121';
    END IF;
    IF TG_OP = 'INSERT' AND chosen.is_change AND chosen.confirmed_at > clock() - interval '24 hours' THEN
        RAISE EXCEPTION 'the destination was changed less than 24 hours ago' USING ERRCODE = 'AD122';
    END IF;
    RETURN NEW;
END $$
