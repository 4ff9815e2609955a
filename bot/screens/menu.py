"""The first screens: menu, help, settings."""

from bot import texts
from bot.callbacks import ChooseLanguage, FormName, Go, OpenForm, Place
from bot.screens.outgoing import Outgoing, button, rows
from bot.texts import Texts


def menu(t: Texts) -> Outgoing:
    """The main menu."""
    return Outgoing(
        t("menu"),
        rows(
            [
                button(t("menu-campaigns"), Go(place=Place.CAMPAIGNS)),
                button(t("menu-buy"), Go(place=Place.BUY)),
            ],
            [
                button(t("menu-placements"), Go(place=Place.PLACEMENTS)),
                button(t("menu-wallet"), Go(place=Place.WALLET)),
            ],
            [
                button(t("menu-channels"), Go(place=Place.CHANNELS)),
                button(t("menu-settings"), Go(place=Place.SETTINGS)),
            ],
            [button(t("menu-help"), Go(place=Place.HELP))],
        ),
    )


def page(t: Texts, message_id: str) -> Outgoing:
    """A page of words, for example the terms, with the way back."""
    return Outgoing(t(message_id), rows([button(t("back"), Go(place=Place.MENU))]))


def settings(t: Texts) -> Outgoing:
    """The language and the time zone."""
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
        t("settings", language=t(f"language-{t.language}"), zone=t.time_zone or t("zone-unset")),
        rows(
            languages,
            [button(t("settings-zone"), OpenForm(name=FormName.ZONE))],
            [button(t("back"), Go(place=Place.MENU))],
        ),
    )
