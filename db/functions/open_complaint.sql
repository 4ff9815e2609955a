-- Opens the complaint of an advertiser about a published post, or returns why there is none. The post must be out
-- without a recorded breach, and its escrow held. A placement has one open complaint at a time and two in all;
-- none follows a decision, and none is about a channel of the advertiser's own. The actor has pressed the
-- button of this kind, or, for the kind `other`, has written these words, in an update that is being handled; other
-- kinds have no words. For a new complaint, the
-- result's `code` is null. A refusal writes nothing; `state` is the state that forbids the complaint. One
-- transaction writes the complaint, its first step and the audit row, and brings the next check of the post
-- nearer; the caller tells the owner.
-- Locks: the target, its post job, its escrow. Raises: AD172, AD186.
CREATE OR REPLACE FUNCTION open_complaint(
    target_id bigint, actor_id bigint, kind text, words text, answer_time interval,
    correlation_id text, OUT code text, OUT complaint_id bigint, OUT state text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    facts record;
    earlier record;
BEGIN
    PERFORM require_complaint_time(answer_time);
    PERFORM FROM campaign_targets WHERE id = target_id FOR UPDATE;
    PERFORM FROM post_jobs WHERE campaign_target_id = target_id FOR UPDATE;
    PERFORM FROM escrows WHERE campaign_target_id = target_id FOR UPDATE;
    SELECT campaign.advertiser_id, target.owner_id, job.status AS job_status, job.breach,
        escrow.status AS escrow_status, clock() AS read_at
    INTO facts
    FROM campaign_targets target JOIN campaigns campaign ON campaign.id = target.campaign_id
    LEFT JOIN post_jobs job ON job.campaign_target_id = target.id
    LEFT JOIN escrows escrow ON escrow.campaign_target_id = target.id
    WHERE target.id = target_id;
    SELECT count(*) AS complaints, max(id) FILTER (WHERE status <> 'closed') AS open_id,
        max(outcome) FILTER (WHERE outcome IN ('released', 'refunded', 'split')) AS decision
    INTO earlier FROM complaints WHERE campaign_target_id = target_id;
    CASE
    WHEN facts.advertiser_id IS DISTINCT FROM actor_id THEN code := 'not_found';
    WHEN facts.owner_id = actor_id THEN code := 'own_money';
    WHEN earlier.open_id IS NOT NULL THEN code := 'repeated'; complaint_id := earlier.open_id;
    WHEN facts.job_status IS DISTINCT FROM 'success' OR facts.escrow_status IS DISTINCT FROM 'held'
    THEN
        code := 'invalid_move'; state := coalesce(facts.escrow_status, 'not_held');
    WHEN facts.breach IS NOT NULL THEN code := 'invalid_move'; state := 'breach';
    WHEN earlier.decision IS NOT NULL THEN code := 'invalid_move'; state := 'decided';
    WHEN earlier.complaints >= 2 THEN code := 'too_many';
    ELSE
        IF (kind = 'other') <> (words IS NOT NULL) OR NOT has_said(actor_id,
            ARRAY[coalesce(words, concat_ws(':', 'complain', kind, target_id))])
        THEN
            RAISE EXCEPTION 'this person has not complained'
            USING ERRCODE = 'AD172';
        END IF;
        INSERT INTO complaints (campaign_target_id, number, kind, words, due_at, created_at,
            correlation_id)
        VALUES (target_id, earlier.complaints + 1, open_complaint.kind, open_complaint.words,
            facts.read_at + answer_time, facts.read_at, open_complaint.correlation_id)
        RETURNING id INTO complaint_id;
        INSERT INTO complaint_steps (complaint_id, kind, actor_id, words, created_at, correlation_id)
        VALUES (open_complaint.complaint_id, 'opened', actor_id, open_complaint.words, facts.read_at,
            open_complaint.correlation_id);
        UPDATE post_jobs SET next_check_at = least(next_check_at, facts.read_at)
        WHERE campaign_target_id = target_id AND next_check_at IS NOT NULL;
        INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id, created_at)
        VALUES ('complaint_opened', actor_id, 'advertiser', jsonb_build_object(
            'target_id', target_id, 'complaint_id', complaint_id, 'kind', open_complaint.kind),
            open_complaint.correlation_id, facts.read_at);
    END CASE;
END $$
