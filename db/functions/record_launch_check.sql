-- Stores the result of one check of the launch, or one signature (phase 6), with an audit row. Returns
-- whether the row was written: false if this check has passed before, and nothing is written then. Every
-- earlier check must have passed. Whoever checks has pressed the button that checks or begins this phase, in an
-- update that is being handled, or has acknowledged within 72 hours a request from a shell to check it. A signer
-- has pressed the button of the signature in the update that is
-- being handled, and no person signs twice. No login can write a result in another way.
-- Locks: the launch (advisory, exclusive). Raises: AD042 (no operator), AD096 (nobody's name), AD097 (no such
-- check, or an earlier one has not passed; DETAIL is the earlier one), AD098 (a person signs twice),
-- AD099 (a signature that has not passed), AD188 (this person has not asked for the check); what `require_words` raises.
CREATE OR REPLACE FUNCTION record_launch_check(
    check_name text, check_passed boolean, check_evidence jsonb, actor_id bigint, inbox_id bigint,
    correlation_id text
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wanted record;
    missing text;
BEGIN
    PERFORM pg_advisory_xact_lock(7003, 0);
    IF actor_id IS NULL THEN
        RAISE EXCEPTION 'a person checks the launch' USING ERRCODE = 'AD096';
    END IF;
    PERFORM require_operator(actor_id);
    IF EXISTS (SELECT FROM launch_runs WHERE step = check_name AND passed) THEN
        RETURN false;
    END IF;
    SELECT * INTO wanted FROM launch_steps() listed WHERE listed.name = check_name;
    SELECT listed.name INTO missing FROM launch_steps() listed
    WHERE listed.number < wanted.number
        AND NOT EXISTS (SELECT FROM launch_runs WHERE step = listed.name AND passed)
    ORDER BY listed.number LIMIT 1;
    -- The signatures may come in any order.
    IF wanted.number IS NULL OR missing IS NOT NULL AND NOT EXISTS (
        SELECT FROM launch_steps() listed WHERE listed.name = missing AND listed.phase = 6)
    THEN
        RAISE EXCEPTION 'an earlier check of the launch has not passed'
        USING ERRCODE = 'AD097', DETAIL = coalesce(missing, check_name);
    END IF;
    IF wanted.phase = 6 THEN
        PERFORM require_words(record_launch_check.inbox_id, actor_id,
            '^launch_sign:' || check_name || '$');
        IF NOT check_passed THEN
            RAISE EXCEPTION 'a signature of the launch that has not passed' USING ERRCODE = 'AD099';
        ELSIF EXISTS (SELECT FROM launch_runs WHERE phase = 6 AND user_id = actor_id) THEN
            RAISE EXCEPTION 'a person signs the launch once' USING ERRCODE = 'AD098';
        END IF;
    ELSIF NOT has_said_like(actor_id,
            format('^(beside[|])?launch:(check:|next:%s:)', wanted.phase))
        AND NOT EXISTS (
            SELECT FROM staff_requests asked
            WHERE asked.kind = 'launch' AND asked.status = 'done' AND asked.requested_by = actor_id
                AND asked.arguments ->> 'phase' = wanted.phase::text
                AND asked.decided_at > clock() - interval '72 hours')
    THEN
        RAISE EXCEPTION 'this person has not asked for this check' USING ERRCODE = 'AD188';
    END IF;
    INSERT INTO launch_runs (phase, step, passed, evidence, user_id, inbox_id)
    VALUES (wanted.phase, check_name, check_passed, check_evidence, actor_id,
        record_launch_check.inbox_id);
    INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id)
    VALUES (CASE WHEN wanted.phase = 6 THEN 'launch_signed' ELSE 'launch_checked' END, actor_id,
        (SELECT max(granted.role) FROM user_roles granted WHERE granted.user_id = actor_id
            AND granted.role IN ('operator', 'super_admin')),
        jsonb_build_object('phase', wanted.phase, 'step', check_name, 'passed', check_passed),
        record_launch_check.correlation_id);
    RETURN true;
END $$
