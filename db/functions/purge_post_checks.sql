-- Deletes the checks of published posts that are older than `keep` and that nobody needs (`is_spare_check`).
-- One call reads the `row_limit` post jobs with the lowest ids above `after_job`. Returns how many checks were
-- deleted, and the last job that was read: null if there is no further job, or if an incident is open. The
-- caller's position and no index by time finds the checks, because one check of each post is kept for ever.
-- Locks: the deleted rows. Raises: what `require_retention` raises.
CREATE OR REPLACE FUNCTION purge_post_checks(
    keep interval, after_job bigint, row_limit integer, OUT deleted integer, OUT last_job bigint
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off AS $$
DECLARE
    before timestamptz := clock() - keep;
BEGIN
    PERFORM require_retention(keep);
    deleted := 0;
    IF is_evidence_needed() THEN
        RETURN;
    END IF;
    SELECT max(id) INTO last_job
    FROM (SELECT id FROM post_jobs WHERE id > after_job ORDER BY id LIMIT row_limit) AS part;
    DELETE FROM post_checks WHERE id = ANY (ARRAY(
        SELECT old.id FROM post_jobs job JOIN post_checks old ON old.post_job_id = job.id
        WHERE job.id > after_job AND job.id <= last_job AND old.verdict IN ('present', 'unknown')
            AND before > (SELECT settled_at FROM escrows
                WHERE campaign_target_id = job.campaign_target_id)
            AND is_spare_check(old)));
    GET DIAGNOSTICS deleted = ROW_COUNT;
END $$
