-- Triggers `agreed_by_owner` of campaign_targets and post_jobs, and `declined_by_owner` of campaign_targets: a
-- placement is approved, and its post is queued, only after the channel's owner (or the channel's acceptance
-- rule) has accepted it; it is rejected in the owner's name only after the owner has declined it. The argument
-- of the trigger is the needed answer. A placement whose owner was never asked needs no acceptance.
-- Locks: nothing. Raises: AD100.
CREATE OR REPLACE FUNCTION require_answer() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target_id bigint := CASE TG_TABLE_NAME WHEN 'post_jobs'
        THEN to_jsonb(NEW) -> 'campaign_target_id' ELSE to_jsonb(NEW) -> 'id' END;
BEGIN
    IF NOT EXISTS (
        SELECT FROM campaign_targets target
        LEFT JOIN placement_answers given ON given.campaign_target_id = target.id
        WHERE target.id = target_id AND (given.answer = TG_ARGV[0]
            OR TG_ARGV[0] = 'accepted' AND target.answer_due_at IS NULL)
    ) THEN
        RAISE EXCEPTION 'the owner of the channel has not answered so' USING ERRCODE = 'AD100';
    END IF;
    RETURN NEW;
END $$
