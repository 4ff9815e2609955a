"""Define the `adtech` commands about the keys that encrypt payout addresses."""

import typer
from cryptography.fernet import Fernet

from bot.cli.commands import DATABASE, MONEY, command
from bot.cli.shell import read_settings, run_all
from bot.cli.tables import out
from bot.setting_types import key_list
from db.session import Sessions
from services.money import destinations
from services.platform.encryption import Encryption

KEYS = "DESTINATION_KEYS"

app = typer.Typer(no_args_is_help=True)


@command(app, "new-key", group=MONEY, example="adtech new-key", needs="nothing")
def new_key() -> None:
    """Print a new key for DESTINATION_KEYS. Put it before the present keys, with a comma.

    Restart all processes with it. Then `adtech rotate-keys` encrypts the stored addresses with it,
    and the older keys can be removed.
    """
    out.print(Fernet.generate_key().decode(), markup=False)


@command(
    app, "rotate-keys", group=MONEY, example="adtech rotate-keys", needs=f"{DATABASE}, and {KEYS}"
)
def rotate_keys() -> None:
    """Encrypt all stored payout addresses with the first key of DESTINATION_KEYS.

    Give all keys that were ever in use since the last rotation. An address that none of them
    decrypts stays as it is, and the exit status is 1. The command can be repeated.
    """
    keys = read_settings(DATABASE, uses=KEYS).destination_keys
    if not keys.get_secret_value():
        raise typer.BadParameter(f"set {KEYS} first; adtech new-key prints a key")
    encryption = Encryption(key_list(keys))

    async def rotate(sessions: Sessions) -> destinations.Rotation:
        return await destinations.rotate_all(sessions, encryption)

    done = run_all(rotate)
    out.print(f"{done.rotated} addresses are encrypted with the first key.", markup=False)
    if done.unreadable:
        numbers = ", ".join(map(str, done.unreadable))
        said = f"No key decrypts these destinations, they stay as they are: {numbers}"
        out.print(said, markup=False)
        raise typer.Exit(1)
