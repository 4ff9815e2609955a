-- Returns whether a check of a post may be deleted. It only repeats what a later check of the same post has
-- seen: it found the post, or got no clear answer, and a later check found the post. The escrow was released
-- or refunded over 30 days ago, no correction of it is open, and no incident is. So of each post remain the
-- last check that found it, which proves the payout, and each check that found it altered or gone.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION is_spare_check(seen post_checks) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT seen.verdict IN ('present', 'unknown')
        AND EXISTS (SELECT FROM post_checks later WHERE later.post_job_id = seen.post_job_id
            AND later.verdict IN ('present', 'stayed')
            AND (later.checked_at, later.id) > (seen.checked_at, seen.id))
        AND EXISTS (SELECT FROM post_jobs job JOIN escrows held USING (campaign_target_id)
            WHERE job.id = seen.post_job_id AND held.settled_at < clock() - interval '30 days'
                AND NOT EXISTS (SELECT FROM corrections WHERE target_id = job.campaign_target_id
                    AND status IN ('proposed', 'confirmed')))
        AND NOT is_evidence_needed()
$$
