-- Lets the bot publish the post of a placement again, because its owner has pressed this button of a complaint, or
-- returns why not. It happens once for a placement, while the owner is asked, and only after the checks have proven
-- that the post is gone (`is_post_gone`), so that the channel never has two posts of one placement. The same post
-- job is queued again: its next publication has the claims, the send, the search and the checks of any first one,
-- and the whole promised time begins with it. If the channel has a calendar, the next free time within `step_time`
-- is kept. The complaint waits for the post, for `step_time` after this time.
-- For a job that was queued, `code` is null. A refusal writes nothing; `state` says more about it: the complaint's
-- status, or the switch that is stopped.
-- Locks: the switches `new_escrows`, `telegram_posting` and `worker_post` (advisory, shared), the target, its post
-- job, its escrow, the complaint, the calendar of the channel (advisory, 7008). Raises: AD186, AD199.
CREATE OR REPLACE FUNCTION republish_post(
    complaint_id bigint, actor_id bigint, step_time interval, correlation_id text,
    OUT code text, OUT state text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    switches constant text[] := '{new_escrows,telegram_posting,worker_post}';
    complaint complaints;
    job post_jobs;
    facts record;
    at timestamptz;
BEGIN
    PERFORM require_complaint_time(step_time);
    FOR position IN 1 .. array_length(switches, 1) LOOP
        PERFORM pg_advisory_xact_lock_shared(7001, hashtext(switches[position]));
    END LOOP;
    SELECT campaign_target_id INTO complaint.campaign_target_id
    FROM complaints WHERE id = complaint_id;
    PERFORM FROM campaign_targets WHERE id = complaint.campaign_target_id FOR UPDATE;
    SELECT * INTO job FROM post_jobs WHERE campaign_target_id = complaint.campaign_target_id FOR UPDATE;
    PERFORM FROM escrows WHERE campaign_target_id = complaint.campaign_target_id FOR UPDATE;
    SELECT * INTO complaint FROM complaints WHERE id = complaint_id FOR UPDATE;
    SELECT target.owner_id, target.hours_on_top, clock() AS read_at, (
            SELECT key FROM unnest(switches) AS key
            WHERE NOT EXISTS (SELECT FROM running_switches WHERE running_switches.key = key.key)
            LIMIT 1) AS stopped,
        campaign.status = 'active' AND NOT advertiser.blocked AS is_wanted,
        channel.status IN ('active', 'paused') AND channel.owner_id = target.owner_id AS is_open,
        EXISTS (SELECT FROM channel_calendars calendar WHERE calendar.channel_id = channel.id)
            AS has_calendar
    INTO facts
    FROM campaign_targets target JOIN campaigns campaign ON campaign.id = target.campaign_id
    JOIN users advertiser ON advertiser.id = campaign.advertiser_id
    JOIN channels channel ON channel.id = target.channel_id
    JOIN escrows escrow ON escrow.campaign_target_id = target.id AND escrow.status = 'held'
    WHERE target.id = complaint.campaign_target_id;
    at := facts.read_at;
    IF facts.has_calendar THEN
        PERFORM pg_advisory_xact_lock(7008, hashint8(job.channel_id));
        SELECT free INTO at
        FROM free_times(job.channel_id, facts.read_at, facts.read_at + step_time, 1, NULL,
            make_interval(hours => facts.hours_on_top::integer)) AS free;
    END IF;
    state := complaint.status;
    CASE
    WHEN facts.owner_id IS DISTINCT FROM actor_id THEN code := 'not_found';
    WHEN job.removed_message_id IS NOT NULL THEN code := 'once';
    WHEN complaint.status NOT IN ('asked', 'correcting') OR complaint.due_at <= facts.read_at
        OR job.status <> 'success' OR job.breach IS NOT NULL
    THEN
        code := 'moved';
    WHEN NOT is_post_gone(job) THEN code := 'not_gone';
    WHEN NOT facts.is_wanted THEN code := 'unwanted';
    WHEN NOT facts.is_open THEN code := 'channel';
    WHEN facts.stopped IS NOT NULL THEN code := 'switch_stopped'; state := facts.stopped;
    WHEN at IS NULL THEN code := 'no_time';
    ELSE
        IF NOT has_said(actor_id, ARRAY[concat_ws(':', 'complaint', 'republishing', complaint_id)])
        THEN
            RAISE EXCEPTION 'this person has not let the bot publish the post again'
            USING ERRCODE = 'AD199';
        END IF;
        UPDATE complaints SET status = 'correcting', due_at = at + step_time, told_again = false
        WHERE id = complaint_id;
        INSERT INTO complaint_steps (complaint_id, kind, actor_id, created_at, correlation_id)
        VALUES (republish_post.complaint_id, 'republishing', actor_id, facts.read_at,
            republish_post.correlation_id);
        UPDATE post_jobs
        SET status = 'queued', removed_message_id = message_id, first_sent_at = sent_at,
            message_id = NULL, sent_at = NULL, due_at = at, attempts = 0, abandoned = 0,
            unsent_claim_no = NULL, first_absent_at = NULL, check_began_at = NULL,
            escalate_at = NULL, last_error = NULL, updated_at = facts.read_at
        WHERE id = job.id;
        IF facts.has_calendar THEN
            PERFORM store_kept_time(complaint.campaign_target_id, job.channel_id, at);
        END IF;
        INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id, created_at)
        VALUES ('complaint_republishing', actor_id, 'owner', jsonb_build_object(
            'target_id', complaint.campaign_target_id, 'complaint_id', complaint_id,
            'post_job_id', job.id, 'removed_message_id', job.message_id, 'due_at', at),
            republish_post.correlation_id, facts.read_at);
        state := 'correcting';
    END CASE;
END $$
