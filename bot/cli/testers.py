"""Define the `adtech testers` commands: people whose acts no report counts."""

from typing import Annotated

import typer

from bot.cli.commands import ACKNOWLEDGED, CONFIRMED, DATABASE, PEOPLE, command
from bot.cli.shell import Person, Reason, request, run_once, telegram_id
from bot.cli.tables import print_rows
from db.models.users import RequestKind
from services.market import testers

GROUP = PEOPLE
Whom = Annotated[
    int, typer.Argument(parser=telegram_id, metavar="PERSON", help="Telegram id of the tester.")
]

app = typer.Typer(
    no_args_is_help=True,
    help="Mark testers, and clean up after them. Their money stays in the ledger like any other.",
)


@command(app, "list", group=GROUP, example="adtech testers list", needs=DATABASE, prints_rows=True)
def list_testers() -> None:
    """Show the people whose campaigns, placements and deposits no report counts."""
    found = run_once(testers.list_all)
    print_rows(
        ("person", "campaigns"),
        [{"person": person.telegram_id, "campaigns": count} for person, count in found],
    )


@command(
    app,
    group=GROUP,
    example='adtech testers mark 555 "smoke test of release 1.4" --as 123456789',
    needs=ACKNOWLEDGED,
)
def mark(whom: Whom, reason: Reason, person: Person) -> None:
    """Request to mark a person as a tester: no report counts this person's acts any more."""
    request(RequestKind.MARK_TESTER, {}, reason=reason, person=person, subject=whom)


@command(
    app,
    group=GROUP,
    example='adtech testers unmark 555 "buys ads now" --as 123456789',
    needs=ACKNOWLEDGED,
)
def unmark(whom: Whom, reason: Reason, person: Person) -> None:
    """Request to count a person's acts in the reports again."""
    request(RequestKind.UNMARK_TESTER, {}, reason=reason, person=person, subject=whom)


@command(
    app,
    "clean-up",
    group=GROUP,
    example='adtech testers clean-up 555 "the smoke test is over" --as 123456789',
    needs=f"{CONFIRMED}, then admins approve and pay the withdrawal",
)
def clean_up(whom: Whom, reason: Reason, person: Person) -> None:
    """Request to cancel a tester's campaigns, delete the drafts, and give the money back.

    A second admin must confirm the request. Nothing but drafts is deleted. Money for posts that
    were not published comes back by a refund, and what is in the wallet by a withdrawal. Run it
    again when later refunds have arrived.
    """
    request(RequestKind.CLEAN_UP_TESTER, {}, reason=reason, person=person, subject=whom)
