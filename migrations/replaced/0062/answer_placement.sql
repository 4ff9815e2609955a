-- Writes the answer of a channel's owner to one version of a submitted placement, or returns why there is no
-- answer. An answer counts for the version that the person has seen (`seen_version`), and for no other. The
-- actor is the owner or a manager whom the owner has named, and has pressed the button of this answer in an
-- update that is being handled; a session that may write updates itself is not asked for the press, because
-- it could invent it. A null actor is the
-- channel's acceptance rule. For an answer that was written, the result's `code` is null. A refusal writes
-- nothing: `ref_id` is the id of the row that it is about, and `state` is the state of that row. One
-- transaction writes the answer, the state of the placement, the audit row and the advertiser's message (an
-- answer of the rule has no message, because the screen after the submission shows it).
-- Locks: the target. Raises: AD101.
CREATE OR REPLACE FUNCTION answer_placement(
    target_id bigint, actor_id bigint, answer text, reason text, correlation_id text,
    seen_version bigint DEFAULT 1,
    OUT code text, OUT ref_id bigint, OUT state text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target campaign_targets;
    given text;
    facts record;
    by_rule boolean := actor_id IS NULL;
BEGIN
    SELECT * INTO target FROM campaign_targets WHERE id = target_id FOR UPDATE;
    SELECT earlier.answer INTO given
    FROM placement_answers earlier
    WHERE earlier.campaign_target_id = target_id AND earlier.version = target.version;
    SELECT campaign.advertiser_id, channel.status AS channel_status,
        channel.owner_id AS channel_owner_id, owner.blocked AS owner_blocked, clock() AS read_at,
        EXISTS (SELECT FROM escrows escrow WHERE escrow.campaign_target_id = target_id) AS has_escrow,
        EXISTS (
            SELECT FROM acceptance_rules rule
            WHERE rule.channel_id = target.channel_id AND rule.owner_id = target.owner_id
                AND (rule.most_price IS NULL OR rule.most_price >= target.price)
                AND (rule.least_kept = 0 OR rule.least_kept <= count_kept(campaign.advertiser_id))
        ) AS rule_accepts
    INTO facts
    FROM campaigns campaign JOIN channels channel ON channel.id = target.channel_id
    JOIN users owner ON owner.id = target.owner_id
    WHERE campaign.id = target.campaign_id;
    CASE
    WHEN target.id IS NULL OR NOT by_rule AND actor_id <> target.owner_id AND NOT EXISTS (
        SELECT FROM channel_managers manager
        WHERE manager.channel_id = target.channel_id AND manager.owner_id = target.owner_id
            AND manager.user_id = actor_id AND manager.ended_at IS NULL)
    THEN
        code := 'not_found';
    WHEN actor_id = facts.advertiser_id AND actor_id <> target.owner_id THEN code := 'own_money';
    WHEN target.version <> seen_version THEN code := 'version_changed';
    WHEN given = answer THEN code := 'repeated';
    WHEN given IS NOT NULL THEN code := 'answered'; state := given;
    WHEN target.status <> 'pending' THEN code := 'invalid_move'; state := target.status;
    WHEN target.answer_due_at <= facts.read_at THEN code := 'answer_late';
    WHEN facts.owner_blocked THEN code := 'person_blocked'; ref_id := target.owner_id;
    WHEN answer = 'accepted'
        AND (facts.channel_status <> 'active' OR facts.channel_owner_id <> target.owner_id)
    THEN
        code := 'channel_not_usable'; ref_id := target.channel_id; state := facts.channel_status;
    WHEN answer = 'declined' AND facts.has_escrow THEN code := 'invalid_move'; state := 'held';
    WHEN by_rule AND NOT (answer = 'accepted' AND facts.rule_accepts) THEN code := 'no_rule';
    ELSE
        IF NOT (by_rule OR pg_has_role(session_user, role_name('intake'), 'MEMBER')
            OR pg_has_role(session_user, current_user, 'MEMBER')
            OR EXISTS (
                SELECT FROM inbox stored
                WHERE stored.done_at IS NULL AND stored.failed_at IS NULL
                    AND regexp_replace(words_in_update(stored.id, actor_id), '^beside[|]', '')
                        -- A button of the release before has no version.
                        = ANY (ARRAY[concat_ws(':', 'offer', answer, target_id, reason, seen_version),
                            CASE WHEN seen_version = 1
                            THEN concat_ws(':', 'offer', answer, target_id, reason) END])))
        THEN
            RAISE EXCEPTION 'this person has not given this answer' USING ERRCODE = 'AD101';
        END IF;
        INSERT INTO placement_answers (campaign_target_id, version, answer, answered_by, reason,
            created_at, correlation_id)
        VALUES (target_id, seen_version, answer_placement.answer, actor_id,
            nullif(answer_placement.reason, ''), facts.read_at, answer_placement.correlation_id);
        IF answer = 'accepted' THEN
            UPDATE campaign_targets SET agreed_at = facts.read_at WHERE id = target_id;
        ELSE
            UPDATE campaign_targets
            SET status = 'rejected', decided_by = target.owner_id, decided_at = facts.read_at,
                decision_reason = nullif(answer_placement.reason, '')
            WHERE id = target_id;
        END IF;
        INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id, created_at)
        VALUES ('placement_' || answer, coalesce(actor_id, target.owner_id),
            CASE WHEN actor_id <> target.owner_id THEN 'manager' ELSE 'owner' END, jsonb_build_object(
            'target_id', target_id, 'campaign_id', target.campaign_id, 'channel_id',
            target.channel_id, 'by_rule', by_rule, 'reason', answer_placement.reason,
            'version', seen_version),
            answer_placement.correlation_id, facts.read_at);
        IF NOT by_rule THEN
            INSERT INTO outbox (user_id, kind, payload, key, created_at)
            VALUES (facts.advertiser_id, 'placement_' || answer, jsonb_build_object('target_id',
                target_id), concat_ws(':', 'placement_' || answer, target_id,
                nullif(seen_version, 1)), facts.read_at);
        END IF;
    END CASE;
END $$
