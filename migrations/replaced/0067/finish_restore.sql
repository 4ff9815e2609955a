-- Makes a restored backup safe to start. The owner's role calls it after `restart_ledger_txn`, before any
-- process uses the database. Nothing may be published twice and no money may move by itself:
-- every kill switch is stopped (a missing row of `switch_keys` is added, stopped); each post that may have
-- been published since the backup is searched before it is sent; the search for an uncertain post begins
-- anew; a send that was under way becomes uncertain; a press or command that waited is parked, but no
-- payment; old messages about switches are dropped; Telegram's list of Stars counts as not yet read; and the
-- ids of new rows begin a million higher, so that a button of a lost row fits no new row. It opens an
-- incident that freezes the money until an operator closes it after a check of all rows.
-- Returns how many posts are searched, how many updates were parked, and the incident's id.
-- Locks: the rows that it changes. Raises: nothing.
CREATE OR REPLACE FUNCTION finish_restore(switch_keys text[]) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    searched integer;
    under_way integer;
    parked integer;
    incident_id bigint;
BEGIN
    PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass,
        coalesce(last_value, 0) + 1000000)
    FROM pg_sequences WHERE schemaname = 'public';
    INSERT INTO kill_switches (key, enabled, reason)
    SELECT key, false, 'backup_restored' FROM unnest(switch_keys) AS key
    ON CONFLICT (key) DO UPDATE
    SET enabled = false, changed_by = NULL, changed_at = clock(), reason = excluded.reason;
    DELETE FROM switch_stops;
    INSERT INTO user_audit_logs (action, role, metadata)
    SELECT 'kill_switch_stopped', 'system', jsonb_build_object('key', key) FROM kill_switches;
    UPDATE campaign_targets target SET search_above = channel.last_message_id
    FROM channels channel
    WHERE target.status = 'pending' AND channel.id = target.channel_id
        AND target.search_above IS NULL AND (target.publish_at IS NULL OR target.publish_at <= clock());
    UPDATE post_jobs job SET search_above = channel.last_message_id
    FROM channels channel
    WHERE job.status = 'queued' AND channel.id = job.channel_id AND job.search_above IS NULL
        AND job.due_at <= clock();
    GET DIAGNOSTICS searched = ROW_COUNT;
    UPDATE post_jobs job
    SET status = 'uncertain', lease_owner = NULL, lease_until = NULL, first_absent_at = NULL,
        known_message_id = coalesce(job.known_message_id, channel.last_message_id),
        search_above = coalesce(job.known_message_id, channel.last_message_id),
        next_check_at = clock(), escalate_at = clock() + interval '15 minutes',
        last_error = 'a backup was restored', updated_at = clock()
    FROM channels channel
    WHERE job.status IN ('sending', 'uncertain') AND channel.id = job.channel_id
        AND (job.status = 'sending' OR job.known_message_id IS NOT NULL);
    GET DIAGNOSTICS under_way = ROW_COUNT;
    UPDATE inbox SET failed_at = now(), last_error = 'a backup was restored'
    WHERE done_at IS NULL AND failed_at IS NULL
        AND NOT coalesce(payload -> 'message' ?| ARRAY['successful_payment', 'refunded_payment'], false);
    GET DIAGNOSTICS parked = ROW_COUNT;
    UPDATE outbox SET status = 'failed', last_error = 'a backup was restored'
    WHERE status = 'queued' AND kind IN ('switch_changed', 'switch_answer_lost');
    UPDATE star_list_positions SET read_at = NULL, read_again_at = NULL;
    DELETE FROM leases;
    DELETE FROM heartbeats;
    incident_id := open_incident('backup_restored', jsonb_build_object('backup_restored',
        jsonb_build_array(jsonb_build_object('ref', ledger_txn()))));
    INSERT INTO user_audit_logs (action, role, metadata)
    VALUES ('backup_restored', 'system', jsonb_build_object('searched', searched + under_way,
        'parked', parked, 'incident_id', incident_id));
    INSERT INTO outbox (kind, payload, priority)
    VALUES ('backup_restored', jsonb_build_object('incident_id', incident_id,
        'searched', searched + under_way, 'parked', parked, 'withdrawals', (
            SELECT coalesce(jsonb_agg(id ORDER BY id), '[]') FROM withdrawals
            WHERE status IN ('requested', 'approved'))), 0);
    RETURN jsonb_build_object('searched', searched + under_way, 'parked', parked,
        'incident_id', incident_id);
END $$
