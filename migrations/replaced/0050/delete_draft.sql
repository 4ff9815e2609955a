-- Deletes a draft of a campaign for its advertiser, and writes the audit row. Returns null for a deleted draft,
-- `gone` for a campaign that does not exist, `not_found` for one of somebody else, or `invalid_move` with the state of a campaign
-- that was activated.
-- Locks: the campaign. Raises: nothing.
CREATE OR REPLACE FUNCTION delete_draft(
    campaign_id bigint, actor_id bigint, correlation_id text, OUT code text, OUT state text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    present campaigns;
BEGIN
    SELECT * INTO present FROM campaigns WHERE id = campaign_id FOR UPDATE;
    CASE
    WHEN present.id IS NULL THEN code := 'gone';
    WHEN present.advertiser_id <> actor_id THEN code := 'not_found';
    WHEN present.status <> 'draft' THEN code := 'invalid_move'; state := present.status;
    ELSE
        DELETE FROM campaigns WHERE id = campaign_id;
        INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id)
        VALUES ('draft_deleted', actor_id, 'advertiser', jsonb_build_object(
            'campaign_id', campaign_id, 'name', present.name), delete_draft.correlation_id);
    END CASE;
END $$
