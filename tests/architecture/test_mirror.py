"""Test that each module has a test file at the same path under `tests`."""

from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "handlers", "services", "db", "scheduler", "sandbox")
TESTED_ELSEWHERE = {
    "bot/button_screens": "test_middlewares presses buttons of old messages",
    "bot/callbacks bot/operator_callbacks": "test_fallback forges them, and the tests of all"
    " handlers press them",
    "bot/look_up_callbacks": "handlers/test_look_ups presses and forges its buttons",
    "bot/owner_callbacks bot/topic_callbacks": "handlers/test_offers presses their buttons",
    "bot/result_callbacks": "handlers/test_results presses and forges its buttons",
    "bot/telegram/send_outcomes": "test_sender gets every kind of answer",
    "services/posts/post_candidates": "test_manual_resolution states right and wrong ids",
    "bot/start_errors": "test_startup_checks and test_health_pages meet it",
    "bot/redirect/metrics": "redirect/test_server and redirect/test_clicks count with it",
    "bot/removal_callbacks": "handlers/test_early_removals presses its buttons",
    "services/market/channel_takeovers": "test_channels gives channels to new owners with it",
    "services/platform/removal_errors": "services/market/test_early_removals meets it",
    "bot/payment_callbacks": "handlers/test_payment_support presses and forges its buttons",
    "bot/payout_callbacks": "handlers/test_withdraw_with_fee presses its buttons",
    "services/money/complaint_holds services/platform/complaint_errors": "services/market/"
    "test_complaints releases, splits and meets each error",
    "services/money/fees": "test_payout_terms computes fees with it",
    "bot/complaint_callbacks services/market/complaint_details": "handlers/test_complaints presses"
    " the buttons and reads the cards",
    "bot/card_callbacks handlers/card_step handlers/card_purchases": "handlers/test_channel_cards"
    " and handlers/test_deep_links press and forge their buttons",
    "handlers/ad_fields": "handlers/test_campaign_form and handlers/test_changes change each part"
    " of an ad with it",
    "services/market/offered_times": "handlers/test_time_choice is offered them",
    "handlers/month_choice": "handlers/test_time_choice chooses days of months with it",
    "bot/calendar_callbacks": "handlers/test_calendar presses and forges its buttons",
    "bot/manager_callbacks": "handlers/test_managers presses its buttons",
    "bot/cli/__main__": "cli/test_app starts it as a program",
    "bot/cli/backup_archive bot/cli/postgres_programs": "cli/test_backup reads and runs them",
    "bot/cli/corrections": "cli/test_money proposes and applies corrections",
    "bot/cli/look bot/cli/switches": "cli/test_app shows states, stops and runs",
    "bot/cli/testers": "services/market/test_testers requests what its commands request",
    "bot/errors services/platform/errors services/platform/payout_errors": "test_texts explains"
    " every error in every language",
    "services/market/missing_money": "services/test_negative and handlers/test_moderation read its"
    " messages",
    "services/platform/channel_errors services/market/auto_delete": "services/market/"
    "test_channel_facts meets the error and a timer of each kind",
    "scheduler/staff_notices": "test_notice_delivery and test_alerts deliver its messages",
    "scheduler/channel_notices": "handlers and scheduler/test_channel_reading read its messages",
    "bot/telegram/channel_reader": "scheduler/test_channel_reading gets every kind of answer",
    "services/platform/payment_errors": "services/money/test_checkouts and test_deposit_returns"
    " meet each",
    "services/money/payment_rules": "test_invariants breaks each of its rules",
    "bot/telegram/star_refunds": "scheduler/test_deposit_returns gets each kind of answer",
    "services/platform/draft_errors": "services/market/test_drafts meets each",
    "services/platform/agreement_errors": "services/market/test_agreements meets each",
    "services/platform/format_errors": "services/market/test_format_changes meets each",
    "bot/format_callbacks": "handlers/test_formats presses its buttons",
    "services/platform/calendar_errors": "services/market/test_kept_times meets each",
    "bot/failure_counts db/failures": "services/platform/test_failure_counts counts with them",
    "bot/launch_facts": "cli/test_launch and handlers/test_launch ask a health page with it",
    "bot/database_metrics": "test_metrics counts conflicts and connections with it",
    "bot/hung_process": "test_event_loop and scheduler/test_clock let processes hang",
    "services/platform/alert_conditions": "architecture/test_alerts compares it with the rules",
    "services/platform/alerts": "scheduler/test_alerts stores and reads them",
    "scheduler/state_gauges": "scheduler/test_alerts reads what it shows",
    "bot/setting_types": "test_settings reads a value of each type",
    "handlers/routers": "tests/handlers send every update through them",
    "bot/cli/stop": "cli/test_stop_all runs the command",
    "bot/cli/switch_argument": "cli/test_app names a switch, no switch and all switches",
    "bot/screens/*": "tests/handlers press the buttons of these screens in the sandbox",
    "bot/telegram/ad_checks": "test_sender and test_media_checks check ads with it",
    "bot/telegram/ad_messages": "test_dispatch and test_sender send its ads",
    "bot/telegram/api_response": "test_sender sends it every kind of answer",
    "bot/telegram/post_deletion": "scheduler/test_removals gets each kind of answer",
    "bot/telegram/message_lookup": "test_post_search finds posts with it",
    "bot/redis_url": "test_settings reads addresses with every kind of mistake",
    "bot/texts": "test_texts compares the texts with the code",
    "scheduler/warm_up": "it only makes the first use faster; scheduler/test_main starts with it",
    "db/models/*": "test_constraints and test_migrations compare them with the database",
    "db/currencies": "test_formatting and test_settings use each of its rows",
    "db/money": "it holds two constants",
    "handlers/command_arguments": "tests of handlers send commands with and without arguments",
    "handlers/forms": "the test of each form uses it",
    "handlers/buy_steps": "test_buy_form goes through its steps",
    "handlers/catalogue_filters": "test_catalogue_steps chooses each kind of filter",
    "services/market/favourites": "test_catalogue marks favourites with it",
    "services/market/newest_messages": "test_channels and handlers/test_channel_events record ids",
    "handlers/ad_input": "test_campaign_form and test_changes send ads to it",
    "sandbox/binaries sandbox/folders sandbox/prepare sandbox/processes sandbox/__main__"
    " sandbox/telegram/folder_lock sandbox/telegram/ports sandbox/telegram/startup_errors": ""
    "test_launch starts, kills and restarts the whole sandbox",
    "sandbox/telegram/invite_links sandbox/telegram/memberships": "test_members joins with links",
    "sandbox/telegram/__main__ sandbox/telegram/first_chats sandbox/telegram/options": ""
    "test_running runs the program",
    "sandbox/telegram/control/* sandbox/telegram/methods/* sandbox/telegram/entities"
    " sandbox/telegram/errors sandbox/telegram/limits sandbox/telegram/markup"
    " sandbox/telegram/media sandbox/telegram/method_call sandbox/telegram/new_chats"
    " sandbox/telegram/notifier sandbox/telegram/registry sandbox/telegram/serializers"
    " sandbox/telegram/state sandbox/schema sandbox/seed_data"
    " sandbox/simulation": "tests/sandbox call the Bot API and the control API over HTTP",
    "sandbox/telegram/formatting/cleaning sandbox/telegram/formatting/dates"
    " sandbox/telegram/formatting/entity sandbox/telegram/formatting/splitting"
    " sandbox/telegram/formatting/utf16": "test_fixing, test_html and test_text use each of them",
    "sandbox/telegram/raw_entities": "formatting/test_text sends right and wrong entities",
    "bot/switches": "services/platform/test_stops stops switches with it",
    "sandbox/telegram/passing_time sandbox/telegram/audience": "sandbox/telegram/test_rules and"
    " control/test_reactions let time pass",
    "sandbox/telegram/json_input sandbox/telegram/request_body": "test_hostile_requests and"
    " test_foreign_clients send every kind of body",
    "sandbox/demo/*": "test_scenario runs the demo",
    "sandbox/logins": "db/test_rights compares the logins' rights, test_embedded their limits",
    "scheduler/error_isolation": "test_settlements breaks one payout among others",
    "scheduler/notices": "test_texts knows every kind of notice, and tests/handlers read them",
    "services/money/rule_rows": "architecture/test_runbook compares it with the rules and the page",
    "services/market/payment_reversals": "test_clawbacks reverses payments with it",
    "services/market/star_transactions": "test_star_reconciliation records and verifies with it",
    "services/money/losses": "test_clawbacks and test_excess_payments book with it",
    "services/market/staff_acts": "test_staff_requests carries out each kind of act",
    "services/market/publish_times": "test_placements submits past and far times with it",
    "services/money/audit_chain_file services/money/audit_chain_copies": "test_audit_chain_files"
    " writes, reads, truncates and locks the file",
    "services/money/received_payments": "every deposit and clawback of a test is noted with it",
    "services/money/withdrawal_details": "test_withdrawals reads them",
    "services/money/correction_details": "handlers/test_corrections shows them to an admin",
    "services/money/correction_notices": "test_corrections and handlers/test_corrections read them",
    "services/money/invoices": "test_payments pays invoices that match and that do not",
    "services/money/escrow": "test_int_money and test_negative have the tests of the safety plan",
    "services/money/incomplete_settlements": "test_incidents completes and reverses them",
    "services/platform/switch_notices": "scheduler/test_switch_notices delivers them",
    "services/platform/traces": "bot/cli/test_trace prints its rows",
    "services/platform/proposals": "test_correction_expiry lets proposals end",
    "services/market/channel_notices": "test_channels and test_moderation suspend channels with it",
    "services/market/escalations": "test_breaches and test_uncertain_posts lose rights with it",
    "services/market/owner_suspensions": "test_user_blocks blocks and unblocks owners with it",
    "services/launch/attempts services/launch/checks"
    " services/launch/steps services/launch/refusals": "test_gate sabotages each of its checks",
    "services/posts/due_jobs": "test_uncertain_posts and test_verification claim with it",
    "services/platform/guard_repairs": "test_guards runs the commands",
    "services/platform/restores services/posts/restored_posts": "bot/cli/test_restore restores"
    " backups with them",
    "services/posts/resolution_details": "test_manual_resolution and test_uncertain_posts read it",
    "services/posts/telegram_outage": "test_breaker opens and ends outages",
}
"""The reason why a module has no test file. A key holds paths or patterns of paths, separated by
spaces."""
PATTERNS = [pattern for patterns in TESTED_ELSEWHERE for pattern in patterns.split()]


def modules() -> list[str]:
    """Return the paths of all modules of `PACKAGES`, without `.py`."""
    return sorted(
        path.relative_to(ROOT).with_suffix("").as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.name != "__init__.py"
    )


def has_test_file(module: str) -> bool:
    """Return whether a module has a test file."""
    path = Path("tests", module)
    # The test file of `__main__` is `test_main.py`.
    return (ROOT / path.with_name(f"test_{path.name.strip('_')}.py")).exists()


def test_each_module_has_a_test_file_or_a_reason() -> None:
    untested = [
        module
        for module in modules()
        if not has_test_file(module) and not any(fnmatch(module, pattern) for pattern in PATTERNS)
    ]
    assert untested == []


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_reason_is_given_only_where_a_test_file_is_missing(pattern: str) -> None:
    named = [module for module in modules() if fnmatch(module, pattern)]
    assert named
    if "*" in pattern:
        assert not all(has_test_file(module) for module in named)
    else:
        assert not has_test_file(pattern)
