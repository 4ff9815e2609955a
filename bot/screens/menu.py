"""Build the main menu, the screens with fixed texts, and the settings of a person."""

from bot import texts
from bot.callbacks import ChooseLanguage, FormName, Go, OpenForm, Screen
from bot.screens.outgoing import Outgoing, button, rows
from bot.texts import Texts
from services.market.menu_facts import MenuFacts


def menu(t: Texts, facts: MenuFacts) -> Outgoing:
    """Build the main menu."""
    lines = [t("menu"), t("menu-balance", balance=t.money(facts.balance))]
    if facts.answers or facts.changes:
        lines.append(t("menu-waiting", answers=facts.answers, changes=facts.changes))
    lines.append(t("menu-question"))
    return Outgoing(
        "\n\n".join(lines),
        rows(
            [
                button(t("menu-campaigns"), Go(screen=Screen.CAMPAIGNS)),
                button(t("menu-buy"), Go(screen=Screen.BUY)),
            ],
            [
                button(t("menu-placements"), Go(screen=Screen.PLACEMENTS)),
                button(t("menu-wallet"), Go(screen=Screen.WALLET)),
            ],
            [
                button(t("menu-channels", waiting=facts.answers), Go(screen=Screen.CHANNELS)),
                button(t("menu-settings"), Go(screen=Screen.SETTINGS)),
            ],
            [button(t("menu-help"), Go(screen=Screen.HELP))],
        ),
    )


def page(t: Texts, message_id: str) -> Outgoing:
    """Build the screen of a fixed text, for example the terms of use."""
    return Outgoing(t(message_id), rows([button(t("back"), Go(screen=Screen.MENU))]))


def payment_support(t: Texts, contact: str) -> Outgoing:
    """Build the page of help with payments. `contact` is where people can write, or empty."""
    back = button(t("back"), Go(screen=Screen.MENU))
    return Outgoing(t("paysupport", contact=contact or "none"), rows([back]))


def settings(t: Texts) -> Outgoing:
    """Build the screen of a person's settings."""
    languages = [
        button(
            t(
                "settings-language-chosen" if language == t.language else "settings-language",
                name=t(f"language-{language}"),
            ),
            ChooseLanguage(language=language),
        )
        for language in texts.LANGUAGES
    ]
    return Outgoing(
        t("settings", language=t(f"language-{t.language}"), zone=t.zone),
        rows(
            languages,
            [button(t("settings-zone"), OpenForm(name=FormName.ZONE))],
            [button(t("back"), Go(screen=Screen.MENU))],
        ),
    )
