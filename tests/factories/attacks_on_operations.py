"""List the attacks with a stolen database password on everything except money and posts."""

from tests.factories.attack import attack, everywhere

OF_CLOCK = {"app": "may", "clock": "may", "bot": "AD078"}
"""The expected SQLSTATEs for a message that only the scheduler's login may write."""

ON_OPERATIONS = (
    attack(
        "a role is granted",
        "INSERT INTO user_roles (user_id, role) VALUES ({thief}, 'admin')",
        app="may",
        bot="AD052",
    ),
    attack(
        "the super admins are replaced",
        "SELECT reconcile_super_admins(ARRAY[{thief}]::bigint[])",
        app="may",
        intake="may",
    ),
    attack(
        "a role is revoked without a decision of two people",
        "DELETE FROM user_roles WHERE role <> 'super_admin'",
        app="AD052",
        bot="AD052",
    ),
    attack(
        "a role is granted in a colleague's name",
        "INSERT INTO user_roles (user_id, role, granted_by) VALUES ({thief}, 'admin', {admin})",
        app="AD052",
        bot="AD052",
    ),
    attack("a switch is written by hand", "UPDATE kill_switches SET enabled = true"),
    attack("a stop is removed", "DELETE FROM switch_stops"),
    attack(
        "a switch is run by somebody without the role",
        "SELECT run_switch('payouts', {thief}, 'operator', 'x', NULL)",
        app="AD042",
        bot="AD042",
    ),
    attack(
        "a switch is run in nobody's name",
        "SELECT run_switch('payouts', NULL, 'system', 'x', NULL)",
        app="AD070",
        bot="AD070",
    ),
    attack(
        "a switch is stopped by somebody without the role",
        "SELECT stop_switch('payouts', {thief}, 'operator', 'x', NULL)",
        **everywhere("AD042"),
    ),
    attack(
        "a switch of money is run during an incident",
        "SELECT open_incident('ledger_violation', '{{}}')",
        "SELECT run_switch('payouts', {operator}, 'operator', 'x', NULL)",
        app="AD043",
        bot="AD043",
    ),
    attack(
        "an incident is closed without a check",
        "SELECT open_incident('ledger_violation', '{{}}')",
        "UPDATE incidents SET closed_at = now(), closed_by = {operator}",
        **everywhere("AD040"),
    ),
    attack(
        "an incident is closed in the name of an operator",
        "SELECT record_ledger_check(0, '{{}}', NULL, clock())",
        "UPDATE incidents SET closed_at = now(), closed_by = {operator} WHERE kind = 'drill'",
        app="AD061",
        clock="AD061",
    ),
    attack(
        "a check of the ledger is written by hand",
        "INSERT INTO ledger_checkpoints (violations, details) VALUES (0, '{{}}')",
    ),
    attack(
        "a check of the ledger is invented",
        "SELECT record_ledger_check(0, '{{}}', NULL, clock())",
        app="may",
        clock="may",
    ),
    attack(
        "an incident is changed",
        "SELECT open_incident('ledger_violation', '{{}}')",
        """UPDATE incidents SET details = '{{"zero_sum": []}}'""",
        owner="AD031",
    ),
    attack("an incident is deleted", "DELETE FROM incidents"),
    attack(
        "a move of the admin chat is invented",
        "INSERT INTO moved_chats (old_chat_id, new_chat_id) VALUES (-77, -2)",
        app="may",
        intake="may",
    ),
    attack(
        "the admin chat is moved",
        "INSERT INTO moved_chats (old_chat_id, new_chat_id, confirmed_at) VALUES (-77, -2, now())",
    ),
    attack(
        "a move of the admin chat is confirmed in the name of a super admin",
        "UPDATE moved_chats SET confirmed_by = {head}, confirmed_at = now()",
        app="AD065",
        bot="AD065",
    ),
    attack(
        "a move of the admin chat becomes another one",
        "UPDATE moved_chats SET new_chat_id = -2",
        owner="AD065",
    ),
    attack(
        "a link of the audit chain is written",
        "INSERT INTO audit_chain_links VALUES (1, 1, 9000000000000000, 0, 'x')",
    ),
    attack("a link of the audit chain is changed", "UPDATE audit_chain_links SET digest = 'x'"),
    attack("the file of the audit chain is forgotten", "DELETE FROM audit_chain_files"),
    attack(
        "another file of the audit chain is allowed by the system",
        "SELECT add_audit_chain_file('x', NULL)",
        "SELECT add_audit_chain_file('y', NULL)",
        **everywhere("AD095"),
    ),
    attack(
        "a new file of the audit chain is allowed by somebody without the role",
        "SELECT add_audit_chain_file('x', {thief})",
        **everywhere("AD042"),
    ),
    attack(
        "a new file of the audit chain is allowed in the name of an operator",
        "SELECT add_audit_chain_file('x', {operator})",
        **everywhere("may"),
    ),
    attack(
        "a file of the audit chain is added by hand",
        "INSERT INTO audit_chain_files (name, last_number) VALUES ('x', 0)",
        app="may",
        clock="may",
    ),
    attack(
        "a check of the ledger has read the future",
        """SELECT record_ledger_check(0, '{{}}', '{{"horizon": 9000000000000000}}', NULL)""",
        app="AD041",
        clock="AD041",
    ),
    attack(
        "a check of the ledger is changed",
        "UPDATE ledger_checkpoints SET violations = 0",
        owner="AD006",
    ),
    attack("a check of a post is deleted", "DELETE FROM post_checks", owner="AD057"),
    *(
        attack(
            f"{what} of this month are deleted",
            f"SELECT purge_{name}",
            app="AD056",
            clock="AD056",
            owner="AD056",
        )
        for what, name in (
            ("messages", "outbox('1 day', 1000)"),
            ("checks of the ledger", "checkpoints('1 day', 1000)"),
            ("checks of posts", "post_checks('1 day', 0, 1000)"),
        )
    ),
    attack("an audit row is changed", "UPDATE user_audit_logs SET action = 'x'"),
    attack(
        "a check of the launch is invented in the name of an operator",
        "SELECT record_launch_check('switch_rows', true, '{{}}', {operator}, NULL, NULL)",
        app="may",
        bot="AD188",
    ),
    attack(
        "a check of the launch is recorded by somebody without the role",
        "SELECT record_launch_check('switch_rows', true, '{{}}', {thief}, NULL, NULL)",
        app="AD042",
        bot="AD042",
    ),
    attack(
        "the launch is signed before its checks have passed",
        "SELECT record_launch_check('on_call_engineer', true, '{{}}', {operator}, NULL, NULL)",
        app="AD097",
        bot="AD097",
    ),
    attack("a result of the launch is changed", "UPDATE launch_runs SET passed = true"),
    attack(
        "conflicts are counted that did not happen",
        "SELECT count_failures('conflict', 1000)",
        app="may",
        bot="may",
        clock="may",
    ),
    attack("an audit row is deleted", "DELETE FROM user_audit_logs"),
    attack("a balance is written", "UPDATE wallets SET balance = balance + 1"),
    attack("sessions of others are ended", "SELECT end_sessions(ARRAY[1])"),
    *(
        attack(f"{table} is locked", f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        for table in ("inbox", "outbox", "user_audit_logs", "kill_switches", "switch_stops")
    ),
    attack(
        "a withdrawal is approved in the name of an admin",
        "UPDATE withdrawals SET status = 'approved', decided_by = {admin}",
        app="may",
        bot="AD087",
    ),
    attack(
        "a placement is rejected in the name of an admin",
        "UPDATE campaign_targets SET status = 'rejected', decided_by = {admin}"
        " WHERE id = {pending}",
        app="may",
        bot="may",
    ),
    attack(
        "a switch is run in the name of an operator",
        "SELECT run_switch('payouts', {operator}, 'operator', 'x', NULL)",
        app="may",
        bot="may",
    ),
    attack(
        "a person is blocked",
        "UPDATE users SET blocked = true WHERE id = {thief}",
        app="may",
        bot="may",
        clock="may",
    ),
    attack(
        "a colleague is blocked",
        "UPDATE users SET blocked = true WHERE id = {colleague}",
        **everywhere("AD082"),
        owner="AD082",
    ),
    attack(
        "a person is hidden from the reports",
        "UPDATE users SET is_tester = true WHERE id = {thief}",
        app="AD081",
        bot="AD081",
        owner="AD081",
    ),
    attack(
        "a person is born hidden from the reports",
        "INSERT INTO users (telegram_id, is_tester) VALUES (4711, true)",
        app="AD081",
        bot="AD081",
        owner="AD081",
    ),
    attack(
        "the drafts of a person are deleted",
        "SELECT delete_tester_drafts({request}, NULL)",
        app="AD083",
        bot="AD083",
        owner="AD083",
    ),
    attack(
        "a request is dropped as the system does after 72 hours",
        "UPDATE staff_requests SET status = 'dropped', decided_at = now() WHERE id = {request}",
        app="may",
        bot="may",
        clock="may",
    ),
    *(
        attack(
            f"a message of the {writer} is invented: {kind} under {key}",
            f"INSERT INTO outbox (kind, payload, key) VALUES ('{kind}', '{{{{}}}}', '{key}')",
            **states,
        )
        for writer, kind, key, states in (
            ("scheduler", "audit_chain_extended", "x", OF_CLOCK),
            ("scheduler", "deposit_credited", "audit_chain_extended:2026-11-29", OF_CLOCK),
            ("scheduler", "target_paid", "x", OF_CLOCK),
            ("scheduler", "escrow_watchdog", "x", OF_CLOCK),
            ("database", "switch_changed", "x", everywhere("AD078")),
            ("database", "staff_request_changed", "x", everywhere("AD078")),
            ("database", "deposit_credited", "role_kept_revoked:1", everywhere("AD078")),
            ("database", "placement_cancelled", "x", everywhere("AD078")),
            ("database", "deposit_credited", "complaint_absorbed:1:owner", everywhere("AD078")),
            ("database", "deposit_credited", "complaint_corrected:1", everywhere("AD078")),
        )
    ),
    attack(
        "a channel gets another owner",
        "UPDATE channels SET owner_id = {thief}",
        app="may",
        bot="AD079",
    ),
    attack(
        "a message to a person is invented",
        "INSERT INTO outbox (user_id, kind, payload, key)"
        " VALUES ({thief}, 'deposit_credited', '{{}}', 'deposit_credited:999')",
        app="may",
        bot="may",
        clock="may",
    ),
    attack(
        "an update is parked",
        "UPDATE inbox SET failed_at = now() WHERE done_at IS NULL AND failed_at IS NULL",
        app="may",
        bot="may",
    ),
    attack(
        "an alarm is marked as delivered",
        "UPDATE outbox SET status = 'sent', sent_at = now() WHERE status = 'queued'",
        app="may",
        clock="may",
    ),
    attack(
        "a post is said to be out",
        "UPDATE post_jobs SET status = 'sending', claim_no = claim_no + 1, lease_owner = 'x',"
        " lease_until = now() WHERE status = 'queued'",
        "UPDATE post_jobs SET status = 'success', message_id = 5, lease_owner = NULL,"
        " lease_until = NULL WHERE status = 'sending'",
        app="may",
        clock="may",
    ),
    attack(
        "the updates of people are read",
        "SELECT payload FROM inbox",
        app="may",
        bot="may",
        clock="may",
    ),
    attack(
        "balances and audit rows are read",
        "SELECT FROM wallets, user_audit_logs",
        app="may",
        bot="may",
        clock="may",
        reports="may",
    ),
    attack(
        "a session sets its own time limits to 0",
        "SET statement_timeout = 0",
        "SET idle_in_transaction_session_timeout = 0",
        app="may",
        bot="may",
        clock="may",
        intake="may",
        reports="may",
        redirect="may",
    ),
    attack("triggers are switched off", "SET session_replication_role = replica"),
    attack("the owner's role is taken", "SET ROLE adtech_owner"),
)
