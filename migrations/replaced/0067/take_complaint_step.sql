-- Takes a person's step in a complaint, or returns why it is not taken. The steps of the owner are `answered` (in
-- words) and `correcting` (the bot shall correct the post: its next check, which edits the ad to what was agreed,
-- is due at once; a post without promised hours is not checked, and cannot be corrected so). Those of the advertiser are `satisfied` and
-- `disputed`. An admin who is neither of the two takes `decided` with the owner's part in per cent: 100 is a
-- release, 0 a refund, the rest a split. Then each side may take `accepted` (no appeal), and one of them
-- `appealed`, once. The decision on an appeal is that of a super admin who has not decided before. No money moves
-- here: the scheduler lets a decision take effect when its time is over (`end_complaint_step`), which is at once
-- if both sides have accepted, or after the decision on an appeal.
-- The actor has pressed the button of this step, or has written the words of an answer, in an update that is being
-- handled. Other steps have no words. Whoever has accepted the placement as a manager of its channel decides nothing. For a step that is taken, `code` is null. A refusal writes nothing; `state` is the complaint's status.
-- Locks: the target, its post job, its escrow, the complaint. Raises: AD173, AD186.
CREATE OR REPLACE FUNCTION take_complaint_step(
    complaint_id bigint, actor_id bigint, step text, words text, owner_percent bigint,
    step_time interval, correlation_id text, OUT code text, OUT state text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    complaint complaints;
    facts record;
    next_status text;
    due timestamptz;
BEGIN
    PERFORM require_complaint_time(step_time);
    SELECT campaign_target_id INTO complaint.campaign_target_id
    FROM complaints WHERE id = complaint_id;
    PERFORM FROM campaign_targets WHERE id = complaint.campaign_target_id FOR UPDATE;
    PERFORM FROM post_jobs WHERE campaign_target_id = complaint.campaign_target_id FOR UPDATE;
    PERFORM FROM escrows WHERE campaign_target_id = complaint.campaign_target_id FOR UPDATE;
    SELECT * INTO complaint FROM complaints WHERE id = complaint_id FOR UPDATE;
    SELECT escrow.amount, target.promised_hours, clock() AS read_at,
        CASE actor_id WHEN campaign.advertiser_id THEN 'advertiser' WHEN target.owner_id THEN 'owner'
            ELSE (SELECT max(granted.role) FROM user_roles granted JOIN users person
                ON person.id = granted.user_id
                WHERE granted.user_id = actor_id AND NOT person.blocked
                    AND granted.role IN ('admin', 'super_admin')) END AS role
    INTO facts
    FROM campaign_targets target JOIN campaigns campaign ON campaign.id = target.campaign_id
    JOIN escrows escrow ON escrow.campaign_target_id = target.id
    WHERE target.id = complaint.campaign_target_id;
    next_status := CASE concat_ws('>', complaint.status, step)
        WHEN 'asked>answered' THEN 'answered'
        WHEN 'asked>correcting' THEN 'correcting'
        WHEN 'answered>disputed' THEN 'disputed'
        WHEN 'disputed>decided' THEN 'decided'
        WHEN 'appealed>decided' THEN 'decided'
        WHEN 'decided>accepted' THEN 'decided'
        WHEN 'decided>appealed' THEN 'appealed'
        WHEN 'asked>satisfied' THEN 'closed'
        WHEN 'answered>satisfied' THEN 'closed'
        WHEN 'disputed>satisfied' THEN 'closed' END;
    state := complaint.status;
    CASE
    WHEN complaint.id IS NULL OR facts.role IS NULL THEN code := 'not_found';
    WHEN step = 'decided' AND (facts.role IN ('advertiser', 'owner') OR EXISTS (
        SELECT FROM placement_answers given
        WHERE given.campaign_target_id = complaint.campaign_target_id
            AND given.answered_by = actor_id))
    THEN
        code := 'own_money';
    WHEN step IN ('answered', 'correcting') AND facts.role <> 'owner'
        OR step IN ('satisfied', 'disputed') AND facts.role <> 'advertiser'
        OR step IN ('accepted', 'appealed') AND facts.role NOT IN ('advertiser', 'owner')
    THEN
        code := 'not_found';
    WHEN next_status IS NULL THEN code := 'moved';
    WHEN step = 'correcting' AND facts.promised_hours = 0 THEN code := 'moved';
    WHEN step IN ('accepted', 'appealed')
        AND (complaint.appealed_by IS NOT NULL OR complaint.due_at <= facts.read_at
            OR facts.role = 'owner' AND complaint.owner_accepts
            OR facts.role = 'advertiser' AND complaint.advertiser_accepts)
    THEN
        code := 'moved';
    WHEN complaint.status = 'appealed' AND facts.role <> 'super_admin' THEN code := 'not_super_admin';
    WHEN complaint.status = 'appealed' AND complaint.decided_by = actor_id THEN code := 'same_person';
    WHEN step = 'decided' AND owner_percent BETWEEN 1 AND 99
        AND facts.amount * owner_percent < 100
    THEN
        code := 'too_small';
    ELSE
        IF (step = 'answered') <> (words IS NOT NULL) OR NOT has_said(actor_id, ARRAY[
            CASE WHEN step = 'decided' THEN concat_ws(':', 'complaint_decide', complaint_id,
                owner_percent, CASE complaint.status WHEN 'appealed' THEN 2 ELSE 1 END)
            WHEN step <> 'answered' THEN concat_ws(':', 'complaint', step, complaint_id)
            ELSE words END])
        THEN
            RAISE EXCEPTION 'this person has not taken this step of a complaint'
            USING ERRCODE = 'AD173';
        END IF;
        due := CASE
            WHEN next_status = 'closed' THEN NULL
            WHEN step = 'decided' AND complaint.status = 'appealed' THEN facts.read_at
            WHEN step = 'decided' THEN facts.read_at + interval '48 hours'
            WHEN step = 'accepted' THEN CASE
                WHEN complaint.owner_accepts OR complaint.advertiser_accepts THEN facts.read_at
                ELSE complaint.due_at END
            ELSE facts.read_at + step_time END;
        UPDATE complaints changed
        SET status = next_status, due_at = due,
            told_again = told_again AND step IN ('decided', 'accepted'),
            owner_percent = CASE step WHEN 'decided' THEN take_complaint_step.owner_percent
                ELSE changed.owner_percent END,
            decided_by = CASE step WHEN 'decided' THEN actor_id ELSE decided_by END,
            appealed_by = CASE step WHEN 'appealed' THEN actor_id ELSE appealed_by END,
            owner_accepts = owner_accepts OR step = 'accepted' AND facts.role = 'owner',
            advertiser_accepts = advertiser_accepts OR step = 'accepted' AND facts.role = 'advertiser',
            outcome = CASE step WHEN 'satisfied' THEN 'satisfied' ELSE outcome END,
            closed_at = CASE next_status WHEN 'closed' THEN facts.read_at END
        WHERE changed.id = complaint_id;
        INSERT INTO complaint_steps
            (complaint_id, kind, actor_id, words, owner_percent, created_at, correlation_id)
        VALUES (take_complaint_step.complaint_id, step, actor_id, take_complaint_step.words,
            CASE step WHEN 'decided' THEN take_complaint_step.owner_percent END, facts.read_at,
            take_complaint_step.correlation_id);
        INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id, created_at)
        VALUES ('complaint_' || step, actor_id, facts.role, jsonb_build_object(
            'target_id', complaint.campaign_target_id, 'complaint_id', complaint_id,
            'owner_percent', take_complaint_step.owner_percent),
            take_complaint_step.correlation_id, facts.read_at);
        IF step = 'correcting' THEN
            UPDATE post_jobs SET next_check_at = facts.read_at
            WHERE campaign_target_id = complaint.campaign_target_id;
        END IF;
        state := next_status;
    END CASE;
END $$
