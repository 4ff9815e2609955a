-- Sets the rule by which a channel accepts placements without a question to its owner. A null `least_kept`
-- removes the rule, so that the owner is asked each time. Another rule of the same owner keeps the topics that
-- the former one does not accept (`set_rule_topic`). The actor is the owner, who has pressed the button
-- of exactly this rule in an update that is being handled; a session that may write updates itself is not
-- asked for the press, because it could invent it. Returns `not_found` for a channel of somebody else, or
-- else null.
-- Locks: the channel. Raises: AD103.
CREATE OR REPLACE FUNCTION set_acceptance_rule(
    channel_id bigint, actor_id bigint, least_kept bigint, most_price bigint, correlation_id text
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    pressed text := concat('rule:', channel_id, ':', least_kept, ':', most_price);
    kept_topics text[];
BEGIN
    PERFORM FROM channels channel
    WHERE channel.id = set_acceptance_rule.channel_id AND channel.owner_id = actor_id
        AND channel.status <> 'removed' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'not_found';
    END IF;
    IF NOT (pg_has_role(session_user, role_name('intake'), 'MEMBER')
        OR pg_has_role(session_user, current_user, 'MEMBER')
        OR EXISTS (
            SELECT FROM inbox stored
            WHERE stored.done_at IS NULL AND stored.failed_at IS NULL
                AND words_in_update(stored.id, actor_id) IN (pressed, 'beside|' || pressed)))
    THEN
        RAISE EXCEPTION 'this person has not chosen this rule' USING ERRCODE = 'AD103';
    END IF;
    DELETE FROM acceptance_rules rule WHERE rule.channel_id = set_acceptance_rule.channel_id
    RETURNING CASE rule.owner_id WHEN actor_id THEN rule.excluded_topics END INTO kept_topics;
    IF least_kept IS NOT NULL THEN
        INSERT INTO acceptance_rules
            (channel_id, owner_id, least_kept, most_price, excluded_topics, correlation_id)
        VALUES (channel_id, actor_id, least_kept, most_price, coalesce(kept_topics, '{}'),
            correlation_id);
    END IF;
    INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id)
    VALUES ('acceptance_rule_set', actor_id, 'owner', jsonb_build_object('channel_id', channel_id,
        'least_kept', least_kept, 'most_price', most_price), correlation_id);
    RETURN NULL;
END $$
