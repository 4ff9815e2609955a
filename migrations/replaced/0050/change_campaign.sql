-- Changes a campaign for its advertiser: the name, the ad and the budget of a draft, or a higher budget of an
-- active or paused campaign, whose placements have its ad. A null argument keeps the present value. Returns null
-- for a change, `unchanged`, `not_found` for a campaign of somebody else, `too_low` with the present budget, or
-- `invalid_move` with the state of the campaign. A change and its audit row are written together.
-- Locks: the campaign. Raises: what the trigger `frozen` raises.
CREATE OR REPLACE FUNCTION change_campaign(
    campaign_id bigint, actor_id bigint, name text, ad jsonb, total_budget bigint, correlation_id text,
    OUT code text, OUT state text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    present campaigns;
    wanted campaigns;
BEGIN
    SELECT * INTO present FROM campaigns WHERE id = campaign_id FOR UPDATE;
    wanted := present;
    wanted.name := coalesce(change_campaign.name, present.name);
    wanted.creative := coalesce(ad, present.creative);
    wanted.total_budget := coalesce(change_campaign.total_budget, present.total_budget);
    CASE
    WHEN present.id IS NULL OR present.advertiser_id <> actor_id THEN code := 'not_found';
    WHEN wanted = present THEN code := 'unchanged';
    WHEN present.status NOT IN ('draft', 'active', 'paused')
        OR present.status <> 'draft'
            AND (wanted.name, wanted.creative) <> (present.name, present.creative)
    THEN code := 'invalid_move'; state := present.status;
    WHEN present.status <> 'draft' AND wanted.total_budget < present.total_budget
    THEN code := 'too_low'; state := present.total_budget;
    ELSE
        UPDATE campaigns SET name = wanted.name, creative = wanted.creative,
            total_budget = wanted.total_budget
        WHERE id = campaign_id;
        INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id)
        VALUES ('campaign_changed', actor_id, 'advertiser', jsonb_build_object(
            'campaign_id', campaign_id, 'budget', wanted.total_budget),
            change_campaign.correlation_id);
    END CASE;
END $$
