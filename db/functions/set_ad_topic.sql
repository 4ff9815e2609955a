-- Sets the topic of a campaign's ad, which a channel's acceptance rule may exclude. The actor is the advertiser, who
-- has pressed the button of this topic in an update that is being handled. Returns null for a change, `unchanged`,
-- `not_found` for a campaign of somebody else, `unknown` for a topic that is not in the list, `invalid_move` for a campaign that has ended, and `in_use` while a
-- placement waits for a decision, because a rule may have accepted it for the present topic. A first topic can
-- be chosen at any time.
-- Locks: the campaign. Raises: AD197.
CREATE OR REPLACE FUNCTION set_ad_topic(
    campaign_id bigint, actor_id bigint, topic text, correlation_id text,
    OUT code text, OUT state text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    present campaigns;
BEGIN
    SELECT * INTO present FROM campaigns WHERE id = campaign_id FOR UPDATE;
    CASE
    WHEN present.id IS NULL OR present.advertiser_id <> actor_id THEN code := 'not_found';
    WHEN topic = 'other' OR topic IS DISTINCT FROM known_topic(topic) THEN code := 'unknown';
    WHEN present.topic = set_ad_topic.topic THEN code := 'unchanged';
    WHEN present.status NOT IN ('draft', 'active', 'paused') THEN
        code := 'invalid_move'; state := present.status;
    WHEN present.topic IS NOT NULL AND EXISTS (
        SELECT FROM campaign_targets target
        WHERE target.campaign_id = set_ad_topic.campaign_id AND target.status = 'pending')
    THEN code := 'in_use';
    ELSE
        IF NOT has_said(actor_id, ARRAY[concat_ws(':', 'ad_topic', campaign_id, topic)]) THEN
            RAISE EXCEPTION 'this person has not chosen this topic of an ad'
            USING ERRCODE = 'AD197';
        END IF;
        UPDATE campaigns SET topic = set_ad_topic.topic WHERE id = campaign_id;
        INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id)
        VALUES ('ad_topic_set', actor_id, 'advertiser', jsonb_build_object(
            'campaign_id', campaign_id, 'topic', topic), set_ad_topic.correlation_id);
    END CASE;
END $$
