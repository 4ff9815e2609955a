-- Adds a topic to those that a channel's acceptance rule does not accept, or takes it out again. About an ad with an
-- excluded topic, and about one without a topic, the owner is asked. The actor is the owner, who has pressed the
-- button of exactly this topic and choice in an update that is being handled. Returns null for a change,
-- `unchanged`, `not_found` for a channel of somebody else, `unknown` for a topic that is not in the list, and `no_rule` if the owner is asked each time.
-- Locks: the channel. Raises: AD196.
CREATE OR REPLACE FUNCTION set_rule_topic(
    channel_id bigint, actor_id bigint, topic text, excluded boolean, correlation_id text
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    present text[];
    wanted text[];
BEGIN
    PERFORM FROM channels channel
    WHERE channel.id = set_rule_topic.channel_id AND channel.owner_id = actor_id
        AND channel.status <> 'removed' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'not_found';
    END IF;
    SELECT rule.excluded_topics INTO present FROM acceptance_rules rule
    WHERE rule.channel_id = set_rule_topic.channel_id AND rule.owner_id = actor_id;
    IF NOT FOUND THEN
        RETURN 'no_rule';
    END IF;
    IF topic = 'other' OR topic IS DISTINCT FROM known_topic(topic) THEN
        RETURN 'unknown';
    END IF;
    wanted := array_remove(present, topic);
    IF excluded THEN
        wanted := wanted || topic;
    END IF;
    IF (topic = ANY (present)) = excluded THEN
        RETURN 'unchanged';
    END IF;
    IF NOT has_said(actor_id,
        ARRAY[concat_ws(':', 'rule_topic', channel_id, topic, excluded::integer)])
    THEN
        RAISE EXCEPTION 'this person has not chosen this topic of a rule' USING ERRCODE = 'AD196';
    END IF;
    UPDATE acceptance_rules rule SET excluded_topics = wanted, changed_at = clock()
    WHERE rule.channel_id = set_rule_topic.channel_id;
    INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id)
    VALUES ('acceptance_rule_set', actor_id, 'owner', jsonb_build_object('channel_id', channel_id,
        'excluded_topics', to_jsonb(wanted)), correlation_id);
    RETURN NULL;
END $$
