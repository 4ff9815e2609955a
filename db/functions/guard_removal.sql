-- Trigger `claimed` of removals. The number of a claim grows by one with each claim, and at no other time. A
-- removal is claimed only while the escrow is released: without the post, nothing could prove afterwards that
-- the post has stayed.
-- Locks: nothing. Raises: AD104 (the escrow), AD105 (the number of the claim).
CREATE OR REPLACE FUNCTION guard_removal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    is_claim boolean := OLD.status = 'planned' AND NEW.status = 'deleting';
BEGIN
    IF NEW.claim_no <> OLD.claim_no + is_claim::integer THEN
        RAISE EXCEPTION 'the number of the claim of a removal grows with each claim'
        USING ERRCODE = 'AD105';
    ELSIF is_claim AND NOT EXISTS (
        SELECT FROM post_jobs job
        JOIN escrows escrow ON escrow.campaign_target_id = job.campaign_target_id
        WHERE job.id = NEW.post_job_id AND job.status = 'success' AND escrow.status = 'released')
    THEN
        RAISE EXCEPTION 'a post is taken down after its owner was paid' USING ERRCODE = 'AD104';
    END IF;
    RETURN NEW;
END $$
