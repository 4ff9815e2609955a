-- Ends the present step of a complaint whose time is over, so that silence never locks money. Without an answer of
-- the owner, the staff are asked. Without one of the advertiser, the complaint is closed, and the release goes
-- on. The staff are told once more after `staff_time`. Then a complaint without a decision is closed, and the
-- release goes on if the checks prove the post; an appeal without a decision leaves the first decision. If the post is
-- proven gone and its owner has not let the bot publish it again, or it is still queued after that, the post job
-- fails instead: this closes the complaint (`absorb_complaint`), and the scheduler refunds the escrow. A
-- decision takes effect when its time for an appeal is over: at a refund, the post job fails; a release or a
-- split is paid by the tick of the releases.
-- Returns the kind of the step that was written, or null if there is nothing to end or the post job has failed.
-- Locks: the target, its post job, its escrow, the complaint. Raises: AD186.
CREATE OR REPLACE FUNCTION end_complaint_step(
    complaint_id bigint, staff_time interval, correlation_id text
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    complaint complaints;
    job post_jobs;
    read_at timestamptz;
    step text;
    next_outcome text;
    next_status text := 'closed';
BEGIN
    PERFORM require_complaint_time(staff_time);
    SELECT campaign_target_id INTO complaint.campaign_target_id
    FROM complaints WHERE id = complaint_id;
    PERFORM FROM campaign_targets WHERE id = complaint.campaign_target_id FOR UPDATE;
    SELECT * INTO job FROM post_jobs WHERE campaign_target_id = complaint.campaign_target_id FOR UPDATE;
    PERFORM FROM escrows WHERE campaign_target_id = complaint.campaign_target_id FOR UPDATE;
    SELECT * INTO complaint FROM complaints WHERE id = complaint_id FOR UPDATE;
    read_at := clock();
    IF complaint.id IS NULL OR complaint.status = 'closed' OR complaint.due_at > read_at THEN
        RETURN NULL;
    END IF;
    IF complaint.status IN ('asked', 'correcting')
        AND (job.status = 'queued' AND job.search_above IS NULL OR is_post_gone(job))
    THEN
        UPDATE post_jobs SET status = 'failed', last_error = 'removed', updated_at = read_at
        WHERE id = job.id;
        RETURN NULL;
    END IF;
    CASE
    WHEN complaint.status IN ('asked', 'correcting') THEN
        step := 'timed_out'; next_status := 'disputed';
    WHEN complaint.status = 'answered' THEN step := 'timed_out'; next_outcome := 'silent';
    WHEN complaint.status IN ('disputed', 'appealed') AND NOT complaint.told_again THEN
        step := 'reminded'; next_status := complaint.status;
    WHEN complaint.status = 'disputed' THEN step := 'timed_out'; next_outcome := 'unanswered';
    ELSE
        step := CASE complaint.status WHEN 'appealed' THEN 'timed_out' ELSE 'ended' END;
        next_outcome := CASE complaint.owner_percent
            WHEN 100 THEN 'released' WHEN 0 THEN 'refunded' ELSE 'split' END;
    END CASE;
    UPDATE complaints
    SET status = next_status, told_again = (step = 'reminded'), outcome = next_outcome,
        due_at = CASE WHEN next_status <> 'closed' THEN read_at + staff_time END,
        closed_at = CASE next_status WHEN 'closed' THEN read_at END
    WHERE id = complaint_id;
    INSERT INTO complaint_steps (complaint_id, kind, created_at, correlation_id)
    VALUES (end_complaint_step.complaint_id, step, read_at, end_complaint_step.correlation_id);
    INSERT INTO user_audit_logs (action, role, metadata, correlation_id, created_at)
    VALUES ('complaint_' || step, 'system', jsonb_build_object(
        'target_id', complaint.campaign_target_id, 'complaint_id', complaint_id,
        'outcome', next_outcome), end_complaint_step.correlation_id, read_at);
    IF next_outcome = 'refunded' THEN
        UPDATE post_jobs
        SET status = 'failed', last_error = 'refunded after a complaint', updated_at = read_at
        WHERE campaign_target_id = complaint.campaign_target_id AND status = 'success';
    END IF;
    RETURN step;
END $$
