-- Returns how many placements of an advertiser stayed in their channels as promised, so that their owners
-- were paid.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION count_kept(person_id bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT count(*)
    FROM campaigns campaign JOIN campaign_targets target ON target.campaign_id = campaign.id
    JOIN escrows escrow ON escrow.campaign_target_id = target.id
    WHERE campaign.advertiser_id = person_id AND escrow.status = 'released'
$$
