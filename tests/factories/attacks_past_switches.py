"""List the attacks that move money or posts while a kill switch or an incident forbids it."""

from tests.factories.attack import Attack, attack

_HOLD = "SELECT hold_escrow({pending}, NULL, NULL)"
_RELEASE = (
    "UPDATE escrows SET status = 'released', settled_at = now() WHERE campaign_target_id = {due}"
)
_REFUND = (
    "UPDATE escrows SET status = 'refunded', settled_at = now() WHERE campaign_target_id = {failed}"
)
_REQUEST = (
    "INSERT INTO withdrawals (user_id, amount, currency, key) VALUES ({thief}, 1, 'USD', 'second')"
)
_APPROVE = "UPDATE withdrawals SET status = 'approved', decided_by = {admin}"
_CREDIT = "UPDATE deposits SET status = 'credited', credited_at = clock() WHERE status = 'received'"
_CLAIM = (
    "UPDATE post_jobs SET status = 'sending', claim_no = claim_no + 1, lease_owner = 'x',"
    " lease_until = now() WHERE status = 'queued'"
)
_INCIDENT = "SELECT open_incident('ledger_violation', '{{}}')"


def _stopped(what: str, key: str, sql: str, *logins: str) -> Attack:
    """Describe an act that a stopped switch forbids. Only `logins` have the rights for the act."""
    stop = f"SELECT stop_switch('{key}', NULL, 'system', 'x', NULL)"
    name = f"{what}, while the switch is stopped"
    return attack(name, stop, sql, **dict.fromkeys(("app", *logins), "AD072"))


def _frozen(what: str, sql: str, *logins: str) -> Attack:
    name = f"{what}, during an incident about the ledger"
    return attack(name, _INCIDENT, sql, **dict.fromkeys(("app", *logins), "AD072"))


PAST_SWITCHES = (
    _stopped("a price is held", "new_escrows", _HOLD, "bot"),
    _stopped("an escrow is released", "payouts", _RELEASE, "clock"),
    _stopped("an escrow is refunded", "refunds", _REFUND, "clock"),
    _stopped("a withdrawal is requested", "withdrawals", _REQUEST, "bot"),
    _stopped("a withdrawal is approved", "withdrawals", _APPROVE, "bot"),
    _stopped("a deposit is credited", "deposits", _CREDIT, "bot", "clock"),
    _stopped("a post is claimed without posting", "telegram_posting", _CLAIM, "clock"),
    _stopped("a post is claimed without the worker", "worker_post", _CLAIM, "clock"),
    _frozen("a price is held", _HOLD, "bot"),
    _frozen("an escrow is released", _RELEASE, "clock"),
    _frozen("an escrow is refunded", _REFUND, "clock"),
    _frozen("a withdrawal is approved", _APPROVE, "bot"),
)
