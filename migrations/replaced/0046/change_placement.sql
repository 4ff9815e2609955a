-- Gives a pending placement a new version (its ad, price, format or time), or returns why it cannot have one. The
-- actor is the advertiser, who has pressed the last button of the form, or the button that accepts exactly a
-- requested change, in an update that is being handled; a session that may write updates itself is not asked
-- for the press, because it could invent it. A null `ad` keeps the present ad. For a new version, the result's
-- `code` is null. A refusal writes nothing; `state` is the state of the placement. One transaction writes the
-- version and its audit row; the caller asks the owner about the version.
-- Locks: the target. Raises: AD092, and what `guard_version` raises.
CREATE OR REPLACE FUNCTION change_placement(
    target_id bigint, seen_version bigint, actor_id bigint, ad jsonb, price bigint,
    promised_hours bigint, hours_on_top bigint, ending text, publish_at timestamptz, answer_due_at timestamptz, correlation_id text,
    OUT code text, OUT state text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target campaign_targets;
    facts record;
    is_same boolean;
BEGIN
    SELECT * INTO target FROM campaign_targets WHERE id = target_id FOR UPDATE;
    SELECT campaign.advertiser_id, campaign.creative, clock() AS read_at,
        EXISTS (SELECT FROM escrows escrow WHERE escrow.campaign_target_id = target_id) AS has_escrow
    INTO facts FROM campaigns campaign WHERE campaign.id = target.campaign_id;
    is_same := (coalesce(ad, target.creative, facts.creative), change_placement.price,
            change_placement.promised_hours, change_placement.hours_on_top,
            change_placement.ending, change_placement.publish_at)
        IS NOT DISTINCT FROM (coalesce(target.creative, facts.creative), target.price,
            target.promised_hours, target.hours_on_top, target.ending::text, target.publish_at);
    CASE
    WHEN target.id IS NULL OR facts.advertiser_id <> actor_id THEN code := 'not_found';
    WHEN target.status <> 'pending' THEN code := 'invalid_move'; state := target.status;
    WHEN facts.has_escrow THEN code := 'invalid_move'; state := 'held';
    WHEN is_same AND target.version = seen_version + 1 THEN code := 'repeated';
    WHEN target.version <> seen_version THEN code := 'version_changed';
    WHEN is_same THEN code := 'unchanged';
    WHEN target.version >= 10 THEN code := 'too_many_versions';
    ELSE
        IF NOT (pg_has_role(session_user, role_name('intake'), 'MEMBER')
            OR pg_has_role(session_user, current_user, 'MEMBER')
            OR EXISTS (
                SELECT FROM inbox stored
                WHERE stored.done_at IS NULL AND stored.failed_at IS NULL
                    AND (words_in_update(stored.id, actor_id) ~ E'\x1dsubmit$'
                        OR EXISTS (
                            SELECT FROM change_requests request
                            WHERE request.campaign_target_id = target_id
                                AND request.version = seen_version AND ad IS NULL
                                AND regexp_replace(
                                    words_in_update(stored.id, actor_id), '^beside[|]', '')
                                    = concat_ws(':', 'accept_change', target_id, seen_version,
                                        request.id)
                                AND (change_placement.price, change_placement.promised_hours,
                                    change_placement.hours_on_top, change_placement.ending,
                                    change_placement.publish_at)
                                IS NOT DISTINCT FROM (coalesce(request.price, target.price),
                                    coalesce(request.promised_hours, target.promised_hours),
                                    coalesce(request.hours_on_top, target.hours_on_top),
                                    coalesce(request.ending, target.ending)::text,
                                    coalesce(request.publish_at, target.publish_at))))))
        THEN
            RAISE EXCEPTION 'this person has not changed the placement' USING ERRCODE = 'AD092';
        END IF;
        UPDATE campaign_targets
        SET version = seen_version + 1, creative = coalesce(ad, target.creative),
            price = change_placement.price, promised_hours = change_placement.promised_hours,
            hours_on_top = change_placement.hours_on_top, ending = change_placement.ending,
            publish_at = change_placement.publish_at, agreed_at = NULL, changed_at = facts.read_at,
            answer_due_at = change_placement.answer_due_at
        WHERE id = target_id;
        INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id, created_at)
        VALUES ('placement_changed', actor_id, 'advertiser', jsonb_build_object(
            'target_id', target_id, 'campaign_id', target.campaign_id, 'channel_id',
            target.channel_id, 'version', seen_version + 1),
            change_placement.correlation_id, facts.read_at);
    END CASE;
END $$
