-- Returns whether the checks prove that the published post of a job is not in its channel: two checks since its
-- publication, at least five minutes apart, did not find it, and no check has found anything there since the first
-- of them. A message that Telegram has deleted never comes back. Of an album, the checks prove only that one of
-- its messages is gone. The others may be in the channel, so the answer is false for an album.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION is_post_gone(job post_jobs) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(max(seen.checked_at) - min(seen.checked_at) >= interval '5 minutes', false)
    FROM post_checks seen
    WHERE job.status = 'success' AND job.other_message_ids = '{}' AND seen.post_job_id = job.id AND seen.verdict = 'gone'
        AND seen.checked_at >= job.sent_at AND NOT EXISTS (
            SELECT FROM post_checks later
            WHERE later.post_job_id = job.id AND later.verdict IN ('present', 'altered', 'stayed')
                AND (later.checked_at, later.id) > (seen.checked_at, seen.id))
$$
