-- Returns which part (minor units) of a held amount goes back to the advertiser of a target (a placement) at its
-- release: 0, or what a decision about a complaint says. The owner's part is rounded down to a whole minor
-- unit, and the advertiser gets the rest, so the two parts always sum to the amount.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION complaint_share(target_id bigint, amount bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce((
        SELECT amount - div(amount::numeric * complaint.owner_percent, 100)::bigint
        FROM complaints complaint
        WHERE complaint.campaign_target_id = target_id AND complaint.outcome = 'split'), 0)
$$
