-- Returns the checks of the launch (phases 0 to 5) and its signatures (phase 6), in their order.
-- `services/launch/steps.py` has the same list, and a test compares them.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION launch_steps() RETURNS TABLE (number bigint, phase integer, name text)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT row_number() OVER (), listed.phase, listed.name
    FROM (VALUES
        (0, 'switch_rows'), (0, 'all_stopped'), (0, 'nothing_active'),
        (1, 'still_stopped'), (1, 'api_health'), (1, 'schema_revision'), (1, 'guards_hold'),
        (1, 'processes_alive'), (1, 'ledger_clean'),
        (2, 'deposits_running'), (2, 'test_placement'), (2, 'hold_blocked'),
        (3, 'refunds_running'), (3, 'new_escrows_running'), (3, 'one_escrow_held'),
        (3, 'hold_in_ledger'), (3, 'telegram_posting_running'), (3, 'worker_post_running'),
        (3, 'post_processed'),
        (4, 'post_outcome'), (4, 'payout_blocked'), (4, 'escrow_fits_outcome'),
        (4, 'wallets_match'),
        (5, 'payouts_running'), (5, 'payout_made'), (5, 'ledger_after_payout'),
        (5, 'withdrawals_running'), (5, 'adjustments_running'), (5, 'worker_watchdogs_running'),
        (5, 'watched'),
        (6, 'deployment_engineer'), (6, 'on_call_engineer'), (6, 'engineering_manager')
    ) AS listed (phase, name)
$$
