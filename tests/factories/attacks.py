"""List the attacks with a stolen database password, and the refusal that each login must get.

`docs/security.md` names these attacks. A login that is missing in `Attack.refused` may do what the
attack does, because the login's job needs the same statements. The page says what a thief of such a
password can still do.
"""
# ruff: noqa: S608 - statements of attacks, with ids of the test's own rows

from dataclasses import dataclass

from sandbox import logins

DENIED = "42501"
"""The SQLSTATE of a missing right."""
LOGIN = {
    "app": logins.APP,
    "intake": logins.INTAKE,
    "bot": logins.BOT,
    "clock": logins.CLOCK,
    "reports": logins.REPORTS,
    "owner": logins.OWNER,
}


@dataclass(frozen=True)
class Attack:
    """Statements that a login runs in one transaction, and the expected SQLSTATE of each login."""

    name: str
    sql: tuple[str, ...]
    refused: dict[str, str]

    @property
    def allowed(self) -> list[str]:
        """The logins that may do what the attack does: `docs/security.md` says so."""
        return [login for login in logins.LOGINS if login not in self.refused]


def attack(what: str, *sql: str, **states: str) -> Attack:
    """Describe an attack. `states` maps names of LOGIN to the SQLSTATEs that these logins get.

    Each login without a state must get DENIED. The state "may" means that the login may do what the
    attack does.
    """
    expected = dict.fromkeys(logins.LOGINS, DENIED) | {
        LOGIN[name]: state for name, state in states.items()
    }
    return Attack(what, sql, {login: state for login, state in expected.items() if state != "may"})


def everywhere(state: str) -> dict[str, str]:
    """Return the same state for the three logins that work on states."""
    return {"app": state, "bot": state, "clock": state}


ATTACKS = (
    attack(
        "a deposit is invented",
        "INSERT INTO deposits (user_id, amount, currency, source, external_reference)"
        " VALUES ({thief}, 1000000, 'USD', 'telegram', 'invented')",
        **everywhere("AD044"),
    ),
    attack(
        "another person's payment becomes one's own deposit",
        "INSERT INTO deposits (user_id, amount, currency, source, external_reference)"
        " SELECT {thief}, amount, currency, source, external_reference || ' '"
        " FROM deposits LIMIT 1",
        **everywhere("AD044"),
    ),
    attack(
        "a payment is invented",
        "INSERT INTO received_payments (kind, charge_id, telegram_id, amount, currency)"
        " VALUES ('payment', 'invented', 1, 1, 'USD')",
        app="may",
        intake="may",
    ),
    attack(
        "a refund is invented",
        "INSERT INTO clawbacks (deposit_id, user_id, amount, recovered, loss, currency)"
        " SELECT id, user_id, amount, amount, 0, currency FROM deposits LIMIT 1",
        **everywhere("AD045"),
    ),
    attack(
        "an update is put into the inbox",
        """INSERT INTO inbox (update_id, lane, payload) VALUES (77, 1, '{{"message": {{}}}}')""",
        app="may",
        intake="may",
    ),
    attack(
        "an update becomes another one",
        """UPDATE inbox SET payload = '{{"message": {{"text": "/killswitch"}}}}'""",
        app="AD031",
        bot="AD031",
    ),
    attack(
        "a handled update is handled again",
        "UPDATE inbox SET done_at = NULL WHERE done_at IS NOT NULL",
        app="AD031",
        bot="AD031",
    ),
    attack(
        "an old press is handled again",
        "UPDATE inbox SET failed_at = NULL WHERE failed_at IS NOT NULL",
        app="AD031",
        bot="AD031",
    ),
    attack("an update is deleted", "DELETE FROM inbox"),
    attack(
        "a correction is inserted as done",
        "INSERT INTO corrections (kind, wallet_id, status, proposed_by, reason, confirmed_by,"
        " confirm_reason, done_at)"
        " VALUES ('balance_reset', {wallet}, 'done', {admin}, 'x', {operator}, 'x', now())",
        app="AD030",
        bot="AD030",
    ),
    attack(
        "a correction is proposed by somebody without the role",
        "INSERT INTO corrections (kind, wallet_id, proposed_by, reason)"
        " VALUES ('balance_reset', {thief_wallet}, {thief}, 'x')",
        app="AD032",
        bot="AD032",
    ),
    attack(
        "a correction is confirmed by somebody without the role",
        "UPDATE corrections SET status = 'confirmed', confirmed_by = {thief}, confirm_reason = 'x'",
        app="AD032",
        bot="AD032",
    ),
    attack(
        "a correction is confirmed by its proposer",
        "UPDATE corrections SET status = 'confirmed', confirmed_by = {admin}, confirm_reason = 'x'",
        app="AD061",
        bot="AD061",
    ),
    attack(
        "a correction is confirmed in a colleague's name",
        "UPDATE corrections SET status = 'confirmed', confirmed_by = {colleague},"
        " confirm_reason = 'x', confirmed_in = (SELECT max(id) FROM inbox)",
        app="AD061",
        bot="AD061",
    ),
    attack(
        "a correction is proposed in a colleague's name",
        "INSERT INTO corrections (kind, wallet_id, proposed_by, reason, proposed_in)"
        " SELECT 'balance_reset', {thief_wallet}, {colleague}, 'x', max(id) FROM inbox",
        app="AD064",
        bot="AD064",
    ),
    attack(
        "a request is written in a colleague's name",
        "INSERT INTO staff_requests (kind, arguments, reason, requested_by, acknowledged)"
        """ VALUES ('clawback', '{{"charge_id": "x"}}', 'x', {colleague}, true)""",
        app="AD063",
        bot="AD063",
    ),
    attack(
        "a request is acknowledged in a colleague's name",
        "UPDATE staff_requests SET acknowledged = true, acknowledged_in ="
        " (SELECT max(id) FROM inbox) WHERE id = {request}",
        app="AD061",
        bot="AD061",
    ),
    attack(
        "a request is confirmed in a colleague's name",
        "UPDATE staff_requests SET status = 'done', decided_by = {colleague}, decided_at = now()"
        " WHERE id = {acknowledged}",
        **everywhere("AD061"),
    ),
    attack(
        "a request becomes another one",
        "UPDATE staff_requests SET subject_id = {thief}",
        owner="AD031",
    ),
    attack(
        "a press signs a second time",
        "UPDATE staff_requests SET acknowledged_in = NULL WHERE id = {acknowledged}",
        app="AD031",
        bot="AD031",
        owner="AD031",
    ),
    attack(
        "a withdrawal that nobody approved is paid by one admin",
        "UPDATE withdrawals SET status = 'paid', decided_by = {admin}, settled_at = now(),"
        " external_reference = 'x'",
        "SELECT post_transfer('withdrawal:' || w.id, 'withdrawal', w.id, ARRAY[held.id, out.id],"
        " ARRAY[-w.amount, w.amount], '{{withdrawal,withdrawal}}', {admin}, NULL)"
        " FROM withdrawals w JOIN wallets held ON held.user_id = w.user_id"
        " AND held.kind = 'withdrawal' JOIN wallets out ON out.counterparty_id = w.user_id"
        " AND out.kind = 'external'",
        app="AD060",
        bot="AD060",
    ),
    attack(
        "a withdrawal is approved by somebody without the role",
        "UPDATE withdrawals SET status = 'approved', decided_by = {thief}",
        app="AD032",
        bot="AD032",
    ),
    attack(
        "a placement is approved by somebody without the role",
        "UPDATE campaign_targets SET status = 'approved', decided_by = {thief}"
        " WHERE id = {pending}",
        app="AD032",
        bot="AD032",
    ),
    attack(
        "a placement is approved by nobody",
        "UPDATE campaign_targets SET status = 'approved' WHERE id = {pending}",
        **everywhere("AD032"),
    ),
    attack(
        "a queued job is set to success",
        "UPDATE post_jobs SET status = 'success', message_id = 5 WHERE status = 'queued'",
        **everywhere("AD029"),
    ),
    attack(
        "a job succeeds without the number of a claim",
        "UPDATE post_jobs SET status = 'sending', lease_owner = 'x', lease_until = now()"
        " WHERE status = 'queued'",
        "UPDATE post_jobs SET status = 'success', message_id = 5, lease_owner = NULL,"
        " lease_until = NULL WHERE status = 'sending'",
        app="AD033",
        clock="AD033",
    ),
    attack(
        "a job is claimed",
        "UPDATE post_jobs SET status = 'sending', claim_no = claim_no + 1, lease_owner = 'x',"
        " lease_until = now() WHERE status = 'queued'",
        app="may",
        clock="may",
    ),
    attack(
        "the promised hours began long ago",
        "UPDATE post_jobs SET sent_at = now() - interval '9 days' WHERE status = 'success'",
        **everywhere("AD035"),
    ),
    attack(
        "another message is named as the post",
        "UPDATE post_jobs SET message_id = 99 WHERE status = 'success'",
        **everywhere("AD031"),
    ),
    attack(
        "a live post is paid for",
        "UPDATE escrows SET status = 'released', settled_at = now()"
        " WHERE campaign_target_id = {live}",
        app="AD037",
        clock="AD037",
    ),
    attack(
        "a live post is paid for, after its hours were shortened and a check was invented",
        "UPDATE escrows SET release_due_at = now() - interval '1 hour'"
        " WHERE campaign_target_id = {live}",
        "INSERT INTO post_checks (post_job_id, verdict, evidence)"
        " SELECT id, 'present', 'x' FROM post_jobs WHERE campaign_target_id = {live}",
        "UPDATE escrows SET status = 'released', settled_at = now()"
        " WHERE campaign_target_id = {live}",
        app="AD037",
        clock="AD037",
    ),
    attack(
        "a check is made in the future",
        "INSERT INTO post_checks (post_job_id, verdict, evidence, checked_at)"
        " SELECT id, 'present', 'x', now() + interval '9 days' FROM post_jobs",
        **everywhere("AD036"),
    ),
    attack("a check is changed", "UPDATE post_checks SET verdict = 'present'", owner="AD006"),
    attack(
        "a live post is refunded",
        "UPDATE escrows SET status = 'refunded', settled_at = now()"
        " WHERE campaign_target_id = {live}",
        app="AD038",
        clock="AD038",
    ),
    *(
        attack(
            f"{column} of {table} is changed",
            f"UPDATE {table} SET {column} = {value}",
            owner="AD031",
        )
        for table, column, value in (
            ("campaign_targets", "price", "1"),
            ("campaign_targets", "fee_bps", "0"),
            ("campaign_targets", "promised_hours", "0"),
            ("campaign_targets", "channel_id", "channel_id + 1"),
            ("campaign_targets", "owner_id", "{thief}"),
            ("campaign_targets", "campaign_id", "campaign_id + 1"),
            ("campaign_targets", "publish_at", "now()"),
            ("campaigns", "advertiser_id", "{thief}"),
            ("campaigns", "creative", "'{{}}'"),
            ("campaigns", "total_budget", "total_budget + 1"),
            ("channels", "chat_id", "chat_id + 1000000"),
            ("post_jobs", "campaign_target_id", "campaign_target_id + 1000"),
            ("post_jobs", "channel_id", "channel_id + 1000"),
            ("user_roles", "role", "'super_admin'"),
            ("user_roles", "user_id", "{thief}"),
            ("users", "telegram_id", "telegram_id + 1000000"),
            ("deposits", "amount", "amount + 1"),
            ("deposits", "currency", "'EUR'"),
            ("deposits", "user_id", "{thief}"),
            ("withdrawals", "amount", "1"),
            ("withdrawals", "currency", "'EUR'"),
            ("withdrawals", "user_id", "{admin}"),
        )
    ),
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
        "a check of the ledger has read the future",
        "INSERT INTO ledger_checkpoints (violations, details, progress)"
        """ VALUES (0, '{{}}', '{{"horizon": 9000000000000000}}')""",
        **everywhere("AD041"),
    ),
    attack(
        "a check of the ledger is changed",
        "UPDATE ledger_checkpoints SET violations = 0",
        owner="AD006",
    ),
    attack("an audit row is changed", "UPDATE user_audit_logs SET action = 'x'"),
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
        bot="may",
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
        "a request is dropped as the system does after 72 hours",
        "UPDATE staff_requests SET status = 'dropped', decided_at = now() WHERE id = {request}",
        app="may",
        bot="may",
        clock="may",
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
    ),
    attack("triggers are switched off", "SET session_replication_role = replica"),
    attack("the owner's role is taken", "SET ROLE adtech_owner"),
)
