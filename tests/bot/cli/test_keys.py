"""Test the commands about the keys that encrypt payout addresses."""

from cryptography.fernet import Fernet

from db.models.destinations import PayoutDestination, PayoutMethod
from services.money import destinations
from services.platform.encryption import Encryption
from tests.conftest import Database
from tests.factories import people
from tests.services.money.test_payout_addresses import ton_address
from tests.shell import Shell, shell_of


def _shell(database: Database, *keys: str) -> Shell:
    return Shell(shell_of(database).environment | {"DESTINATION_KEYS": ",".join(keys)})


async def test_a_new_key_encrypts_all_addresses_again(database: Database) -> None:
    old, new = [(await Shell({}).adtech("new-key")).out.strip() for _ in range(2)]
    address = ton_address()
    async with database.sessions.begin() as session:
        person = await people.person(session)
        typed = await destinations.type_in(
            session, Encryption([old]), actor=person, method=PayoutMethod.TON, address=address
        )
    answer = await _shell(database, new, old).adtech("rotate-keys")
    assert (answer.status, answer.out) == (0, "1 addresses are encrypted with the first key.\n")
    async with database.sessions.begin() as session:
        row = await session.get_one(PayoutDestination, typed.id)
        assert destinations.read(Encryption([new]), row) == address
    unknown = await _shell(database, Fernet.generate_key().decode()).adtech("rotate-keys")
    assert unknown.status == 1
    assert f"they stay as they are: {typed.id}" in unknown.out
    async with database.sessions.begin() as session:
        row = await session.get_one(PayoutDestination, typed.id)
        assert destinations.read(Encryption([new]), row) == address


async def test_wrong_and_missing_keys_are_named(database: Database) -> None:
    for keys, said in (((), "DESTINATION_KEYS"), (("short",), "DESTINATION_KEYS")):
        answer = await _shell(database, *keys).adtech("rotate-keys")
        assert answer.status == 2
        assert said in answer.said
        assert "short" not in answer.said
