"""Test that each language has exactly the texts that the bot needs."""

import ast
import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args

import pytest
from aiogram import Router
from aiogram.filters.callback_data import CallbackData, CallbackQueryFilter
from fluent.syntax import FluentParser
from fluent.syntax import ast as fluent

import bot
import handlers
from bot import (
    callbacks,
    commands,
    operator_callbacks,
    owner_callbacks,
    payout_callbacks,
    removal_callbacks,
    texts,
    topic_callbacks,
)
from bot.errors import explain, message_id
from bot.screens import (
    corrections,
    dead_letters,
    early_removals,
    moderation,
    offers,
    operators,
    wanted_changes,
    withdrawals,
)
from bot.screens import reports as report_screens
from bot.texts import LANGUAGES, LOCALES, Texts
from db.models.operations import Switch
from handlers import start
from scheduler import notices
from services.launch import (
    refusals,  # noqa: F401 - defines errors
    steps,
)
from services.market import cancellations, complaints, placement_versions, terms, topics
from services.platform import (
    agreement_errors,  # noqa: F401 - defines errors
    calendar_errors,  # noqa: F401 - defines errors
    channel_errors,  # noqa: F401 - defines errors
    draft_errors,  # noqa: F401 - defines errors
    errors,
    format_errors,  # noqa: F401 - defines errors
    payment_errors,  # noqa: F401 - defines errors
    payout_errors,  # noqa: F401 - defines errors
    removal_errors,  # noqa: F401 - defines errors
    reports,
    transitions,
)

ROOT = Path(__file__).parents[2]
ERRORS = tuple(errors.DomainError.__subclasses__())
for found in pkgutil.iter_modules(bot.__path__, "bot."):
    if found.name.endswith("callbacks"):
        importlib.import_module(found.name)
CALLBACKS = tuple(
    kind for kind in CallbackData.__subclasses__() if kind.__module__.startswith("bot.")
)


def messages(language: str) -> dict[str, set[str]]:
    """Return the text ids of a language, each with the variables of the text."""
    found: dict[str, set[str]] = {}
    for path in sorted((LOCALES / language).glob("*.ftl")):
        for entry in FluentParser().parse(path.read_text()).body:
            assert not isinstance(entry, fluent.Junk), f"{path.name}: {entry.content}"
            if isinstance(entry, fluent.Message):
                assert entry.id.name not in found, f"{entry.id.name} is there twice"
                found[entry.id.name] = set(variables(entry))
    return found


def variables(node: Any) -> Iterator[str]:
    """Return the names of all variables below a node of a Fluent file."""
    if isinstance(node, fluent.VariableReference):
        yield node.id.name
    for value in vars(node).values():
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, fluent.BaseNode):
                yield from variables(child)


def ids_in_texts() -> set[str]:
    """Return the ids of texts that other texts contain."""
    return {
        reference.id.name
        for path in sorted((LOCALES / texts.DEFAULT_LANGUAGE).glob("*.ftl"))
        for reference in references(FluentParser().parse(path.read_text()))
    }


def references(node: Any) -> Iterator[fluent.MessageReference]:
    """Return all references to texts below a node of a Fluent file."""
    if isinstance(node, fluent.MessageReference):
        yield node
    for value in vars(node).values():
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, fluent.BaseNode):
                yield from references(child)


def sources() -> Iterator[tuple[Path, ast.Module]]:
    """Yield the path and the syntax tree of each module that can send texts."""
    for package in ("bot", "handlers", "scheduler"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path, ast.parse(path.read_text())


def ids_in_code() -> set[str]:
    """Return the text ids that are written in calls of `t` and similar functions."""
    text_calls = {"t", "Translated", "Question", "text_step", "opener"}
    text_calls |= {"_of_placement", "in_all_languages", "TimeSteps"}
    found = set()
    for _, module in sources():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                # The call may choose between two ids: `t("a" if x else "b")`.
                choice = node.args[0]
                options = (
                    [choice.body, choice.orelse] if isinstance(choice, ast.IfExp) else [choice]
                )
                found |= {
                    each.value
                    for each in options
                    if name in text_calls
                    and isinstance(each, ast.Constant)
                    and isinstance(each.value, str)
                }
    return found


def calls_of_t() -> Iterator[tuple[str, set[str]]]:
    """Yield the text id and the passed variables of each call of `t` with a literal id."""
    for _, module in sources():
        for node in ast.walk(module):
            if not (isinstance(node, ast.Call) and node.args):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            first = node.args[0]
            if name == "t" and isinstance(first, ast.Constant):
                yield str(first.value), {str(keyword.arg) for keyword in node.keywords}


def ids_made_in_code() -> set[str]:
    """Return the text ids that the code puts together from parts."""
    return {
        *(message_id(error) for error in ERRORS),
        *(f"command-{name}" for name in commands.PEOPLE + commands.STAFF),
        *("bot-description", "bot-about"),
        *(f"language-{language}" for language in LANGUAGES),
        *(f"campaign-{act}" for act in ("activate", "pause", "resume", "cancel", "delete")),
        *(f"channel-{act}" for act in ("pause", "resume")),
        *("channel-no-right", "channel-not-creator"),
        *("channel-no-right-admin", "channel-not-creator-admin"),
        *("notice-watchdog-acted", "notice-watchdog-waits"),
        *start.PAGES,
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_in_the_code_exists(language: str) -> None:
    missing = (ids_in_code() | ids_made_in_code()) - messages(language).keys()
    assert missing == set()


def test_languages_have_the_same_texts_with_the_same_variables() -> None:
    english, *others = (messages(language) for language in LANGUAGES)
    for other in others:
        assert other == english


def test_every_text_gets_the_values_that_it_uses() -> None:
    english = messages("en")
    missing = {text_id: english[text_id] - given for text_id, given in calls_of_t()}
    assert {text_id: names for text_id, names in missing.items() if names} == {}


def test_no_text_is_unused() -> None:
    used = ids_in_code() | ids_made_in_code() | ids_in_texts()
    assert messages("en").keys() - used == set()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: str(kind.__name__))
def test_every_error_has_a_text(kind: type[errors.DomainError], language: str) -> None:
    samples: dict[Any, Any] = {int: 5_000, int | None: None, str | None: None}
    facts = {
        field.name: samples.get(field.type, "word")
        for field in dataclasses.fields(kind)  # type: ignore[arg-type]  # each is a dataclass
    }
    error = kind(**facts | ({"currency": "USD"} if "currency" in facts else {}))
    explanation = explain(Texts(language, "USD"), error)
    assert explanation
    assert "{" not in explanation
    assert kind.__name__ not in explanation


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_and_switch_has_a_text(language: str) -> None:
    t = Texts(language, "USD")
    for reason in moderation.REASONS:
        assert t("reject-reason", reason=reason) != reason
    for reason in offers.REASONS:
        assert t("decline-reason", reason=reason) != reason
    for key in Switch:
        assert t("switch-lets", key=key.value) != key.value
    for reason in corrections.CONFIRM_REASONS + corrections.REFUSE_REASONS:
        assert t("correction-reason", reason=reason) != reason
    for reason in withdrawals.REASONS:
        assert t("withdrawal-return-reason", reason=reason) != reason
    if language != texts.DEFAULT_LANGUAGE:
        for reason in operators.STOP_REASONS + operators.RUN_REASONS:
            assert t("switch-reason", reason=reason) != reason


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_status_has_a_word(language: str) -> None:
    tables: tuple[Mapping[Any, object], ...] = (
        *(transitions.CAMPAIGN, transitions.TARGET, transitions.ESCROW, transitions.POST_JOB),
        *(transitions.CHANNEL, transitions.DEPOSIT, transitions.WITHDRAWAL),
        *(transitions.CORRECTION, transitions.STAFF_REQUEST),
    )
    statuses = {status.value for table in tables for move in table for status in move}
    assert statuses - words(language, "state") == set()


def words(language: str, text_id: str) -> set[str]:
    """Return the values for which a text has a variant, without the default variant."""
    found = set()
    for path in sorted((LOCALES / language).glob("*.ftl")):
        for entry in FluentParser().parse(path.read_text()).body:
            if isinstance(entry, fluent.Message) and entry.id.name == text_id and entry.value:
                for element in entry.value.elements:
                    choice = getattr(element, "expression", None)
                    if isinstance(choice, fluent.SelectExpression):
                        found |= {
                            variant.key.name
                            for variant in choice.variants
                            if isinstance(variant.key, fluent.Identifier) and not variant.default
                        }
    return found


def test_no_text_is_written_in_the_code() -> None:
    sending_calls = {"Outgoing", "send_message", "alert", "answer", "show_error", "edit_text"}
    for path, module in sources():
        for node in ast.walk(module):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            literals = [a for a in node.args if isinstance(a, ast.Constant)]
            if name in sending_calls:
                words = [a.value for a in literals if re.search(r"[^\W\d_]", str(a.value))]
                assert words == [], f"{path}: {words}"


def test_every_callback_prefix_has_a_handler() -> None:
    handled = set()
    for module in pkgutil.iter_modules(handlers.__path__, "handlers."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Router):
                handled |= {
                    filter_.callback.callback_data
                    for handler in value.callback_query.handlers
                    for filter_ in handler.filters or ()
                    if isinstance(filter_.callback, CallbackQueryFilter)
                }
    assert handled == set(CALLBACKS)
    assert len({kind.__prefix__ for kind in CALLBACKS}) == len(CALLBACKS)


LONGEST_VALUES: dict[str, str | int] = {
    "language": "en",
    "claim": 2**63 - 1,
    "version": placement_versions.MOST,
    "fee_bps": 9_999,
    "hours": terms.MAX_PROMISED_HOURS,
    "message_id": 2**31 - 1,
    "percent": complaints.WHOLE,
    "stage": 2,
}
"""The longest values of fields whose type sets no limit. Message ids have at most 31 bits."""
LONGEST_TEXTS: dict[type[CallbackData], dict[str, Sequence[str]]] = {
    callbacks.Moderate: {"reason": moderation.REASONS + wanted_changes.REASONS},
    owner_callbacks.OnOffer: {"reason": offers.REASONS},
    operator_callbacks.OnSwitch: {"key": list(Switch), "reason": operators.STOP_REASONS},
    operator_callbacks.RunSwitch: {"key": list(Switch), "reason": operators.RUN_REASONS},
    operator_callbacks.OnLaunch: {"role": steps.SIGNERS},
    operator_callbacks.SignLaunch: {"role": steps.SIGNERS},
    callbacks.OnWithdrawal: {"reason": withdrawals.REASONS},
    callbacks.OnCorrection: {"reason": corrections.CONFIRM_REASONS + corrections.REFUSE_REASONS},
    operator_callbacks.ShowReport: {"name": list(reports.REPORTS)},
    operator_callbacks.DrawReport: {"name": list(report_screens.DRAWN)},
    callbacks.OnDeadLetter: {"act": [dead_letters.OPEN, dead_letters.OFFER]},
    callbacks.Withdraw: {"key": ["f" * 20]},
    callbacks.WithdrawTo: {"key": ["f" * 20]},
    payout_callbacks.WithdrawWithFee: {"key": ["f" * 14]},
    removal_callbacks.OnRemovals: {"reason": early_removals.REASONS},
    callbacks.CancelPlacement: {"reason": cancellations.REASONS},
    topic_callbacks.SetAdTopic: {"topic": topics.TOPICS},
    topic_callbacks.SetRuleTopic: {"topic": topics.TOPICS},
}
"""All values of the text fields of a class."""


def _longest(kind: type[CallbackData], name: str, annotation: Any) -> Any:
    """Return the longest value that a field of a button's data can have."""
    if name in (texts := LONGEST_TEXTS.get(kind, {})):
        return max(texts[name], key=len)
    if name in LONGEST_VALUES:
        return LONGEST_VALUES[name]
    if annotation in {int, int | None}:
        return 2**63 - 1
    if annotation is bool:
        return True
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return max(annotation, key=len)
    return max(get_args(annotation), key=len)


@pytest.mark.parametrize("kind", CALLBACKS, ids=lambda kind: kind.__name__)
def test_callback_data_fits_into_telegrams_64_bytes(kind: type[CallbackData]) -> None:
    values = {
        name: _longest(kind, name, field.annotation) for name, field in kind.model_fields.items()
    }
    assert len(kind(**values).pack().encode()) <= 64


def test_every_kind_of_owed_message_has_a_screen() -> None:
    kinds = set()
    for package in ("services", "handlers"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "outbox.add":
                    kinds |= {
                        keyword.value.value
                        for keyword in node.keywords
                        if keyword.arg == "kind" and isinstance(keyword.value, ast.Constant)
                    }
    assert kinds
    assert kinds <= notices.KINDS


@pytest.mark.parametrize(
    ("language", "hours", "words"),
    [
        ("en", 0, "no promised time"),
        ("en", 1, "1 hour"),
        ("en", 2, "2 hours"),
        ("ru", 0, "без обещанного срока"),
        ("ru", 1, "1 час"),
        ("ru", 2, "2 часа"),
        ("ru", 5, "5 часов"),
        ("ru", 11, "11 часов"),
        ("ru", 21, "21 час"),
        ("ru", 22, "22 часа"),
    ],
)
def test_hours_read_well(language: str, hours: int, words: str) -> None:
    t = Texts(language, "USD")
    assert t("hours", hours=hours) == words
    facts = dict.fromkeys(
        (
            "campaign",
            "channel",
            "price",
            "when",
            "left",
            "after",
            "state",
            "published",
            "record",
            "facts",
        ),
        "x",
    )
    for text_id in ("buy-confirm", "placement"):
        assert f": {words}\n" in t(text_id, id="1", stays=words, hours=24, **facts)
