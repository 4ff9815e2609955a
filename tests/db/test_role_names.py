"""Test how names of database roles are read, and put into statements."""

import re

import pytest

from db import role_names
from db.role_names import USUAL, RoleNamesError
from migrations import functions

ACME = role_names.parse("bot=acme-bot, clock=Clock 1,app=a")
SINGLE = role_names.parse(",".join(f"{job}=all_in_one" for job in role_names.JOBS))


def test_roles_that_are_not_named_keep_their_usual_names() -> None:
    assert role_names.parse("") == USUAL
    assert ACME == USUAL | {"bot": "acme-bot", "clock": "Clock 1", "app": "a"}
    assert role_names.is_single(SINGLE)
    assert not role_names.is_single(ACME)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("reader=x", "must have only these names before =: owner, app, intake"),
        ("bot", "must have behind bot= a name"),
        ("bot=", "must have behind bot= a name"),
        ('bot="x"', "must have behind bot= a name"),
        ("bot=x'y", "must have behind bot= a name"),
        ("bot=a:b", "must have behind bot= a name"),
        ("bot=" + "x" * 64, "must have behind bot= a name of at most 63 characters"),
        ("bot=x,clock=x", "must name seven different roles"),
        ("bot=adtech_clock", "must name seven different roles"),
    ],
)
def test_wrong_names_are_refused(text: str, refusal: str) -> None:
    with pytest.raises(RoleNamesError, match="^" + re.escape(refusal)):
        role_names.parse(text)


@pytest.mark.parametrize(
    ("statement", "renamed"),
    [
        ("GRANT SELECT ON t TO adtech_bot, adtech_app", 'GRANT SELECT ON t TO "acme-bot", "a"'),
        ("ARRAY['adtech_clock']", "ARRAY['Clock 1']"),
        ("adtech_bots my_adtech_bot 'adtech_x'", "adtech_bots my_adtech_bot 'adtech_x'"),
        ("'adtech_app must be a member'", "'\"a\" must be a member'"),
        ("SELECT adtech_owner", 'SELECT "adtech_owner"'),
    ],
)
def test_a_statement_gets_the_names(statement: str, renamed: str) -> None:
    assert role_names.rename(statement, USUAL) == statement
    assert role_names.rename(statement, ACME) == renamed


def test_one_login_for_everything_gets_and_loses_no_rights() -> None:
    assert role_names.rename("REVOKE ALL ON t FROM adtech_app", SINGLE) == "SELECT 1"
    assert role_names.rename("grant select on t to adtech_bot", SINGLE) == "SELECT 1"
    public = "REVOKE EXECUTE ON FUNCTION f FROM PUBLIC"
    assert role_names.rename(public, SINGLE) == public


def test_one_function_alone_knows_the_names() -> None:
    """Check that the guards of the functions have the same digests in each installation."""
    usual = re.compile("|".join(USUAL.values()))
    texts = {path.stem: path.read_text() for path in functions.ROOT.glob("db/functions/*.sql")}
    knowing = {
        name
        for name, text in texts.items()
        if usual.search(text[text.index("CREATE OR REPLACE") :])
    }
    assert knowing == {"role_name"}


def test_an_installation_that_does_not_know_the_latest_role_goes_on() -> None:
    earlier = [job for job in role_names.JOBS if job != "redirect"]
    single = role_names.parse(",".join(f"{job}=all_in_one" for job in earlier))
    assert role_names.is_single(single)
    named = role_names.parse(",".join(f"{job}=acme_{job}" for job in earlier))
    assert named["redirect"] == "adtech_redirect"
