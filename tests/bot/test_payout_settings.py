"""Test the settings about the addresses to which people are paid."""

from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import ValidationError

from bot.settings import Settings
from db.models.destinations import PayoutMethod
from services.money.payout_terms import PayoutTerms

NEEDED: dict[str, Any] = {
    "bot_token": "42:tokensecret",
    "admin_chat_id": "-100500",
    "database_url": "postgresql://adtech_app:appsecret@/adtech?host=/run/pg",
    "redis_url": "redis://127.0.0.1:6379/0",
}


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("payout_min", "0"),
        ("payout_time", "0"),
        ("payout_fee_bps", "10000"),
        ("stars_hold_days", "366"),
        ("payout_methods", "hooksecret"),
        ("destination_keys", "hooksecret"),
    ],
)
def test_a_wrong_setting_is_refused_and_not_repeated(name: str, wrong: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate(NEEDED | {name: wrong})
    assert name in str(refused.value)
    assert "hooksecret" not in str(refused.value)


def test_methods_of_payment_need_keys() -> None:
    chosen = NEEDED | {"payout_methods": "ton, card"}
    with pytest.raises(
        ValidationError, match="DESTINATION_KEYS must be set when PAYOUT_METHODS is"
    ):
        Settings.model_validate(chosen)
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    configured = Settings.model_validate(chosen | {"destination_keys": ", ".join(keys)})
    assert configured.payout_methods == (PayoutMethod.TON, PayoutMethod.CARD)
    assert configured.encryption.decrypt(configured.encryption.encrypt("x")) == "x"
    assert keys[0] not in repr(configured)


def test_the_terms_of_withdrawals_come_from_the_settings() -> None:
    assert Settings.model_validate(NEEDED).payout_terms == PayoutTerms(1, 0, 21)
    chosen = {"payout_min": "5", "payout_fee_bps": "50", "stars_hold_days": "0"}
    assert Settings.model_validate(NEEDED | chosen).payout_terms == PayoutTerms(5, 50, 0)
