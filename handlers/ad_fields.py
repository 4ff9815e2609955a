"""Change the parts of an ad one by one, from the preview of a form."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiogram.fsm.state import State
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput
from aiogram_dialog.widgets.kbd import Button

from handlers import ad_input, forms
from services.market import creatives


def opener(message_id: str, step: State, *, when: str | None = None) -> Button:
    """Make a button of a preview that opens the step of one part."""

    async def open_step(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
        await forms.next_step(manager, step)

    name = str(step.state).rpartition(":")[2]
    return Button(forms.Translated(message_id), f"open_{name}", on_click=open_step, when=when)


def preview_facts(manager: DialogManager) -> dict[str, Any]:
    """Return what the buttons of `AdFields.openers` need in the data of the preview."""
    return {"has_preview": ad_input.may_have_preview(ad_input.draft(manager))}


@dataclass(frozen=True)
class AdFields:
    """The steps of a form that change the text, the file and the link preview of its ad.

    They lead back to the preview. The form has its own steps for the whole ad and the link button.
    """

    ad: State
    preview: State
    text: State
    file: State
    link_preview: State
    button_text: State
    after_cancel: forms.ScreenAfterCancel

    async def show_preview(self, manager: DialogManager) -> None:
        """Show the ad, and the preview below it. If Telegram refuses the ad, ask for another."""
        if await ad_input.show_preview(manager, self.ad):
            await forms.next_step(manager, self.preview)

    def openers(self) -> Sequence[Button]:
        """Make the buttons of the preview, one for each part of the ad."""
        return (
            opener("campaign-change-text", self.text),
            opener("campaign-change-file", self.file),
            opener("campaign-change-button", self.button_text),
            opener("campaign-change-preview", self.link_preview, when="has_preview"),
        )

    def windows(self) -> Sequence[Window]:
        """Make the windows of the steps."""
        return (
            forms.text_step(
                "campaign-text-ask",
                self._read_text,
                Button(
                    forms.Translated("campaign-no-text"),
                    "no_text",
                    on_click=self._remove_text,
                    when="has_file",
                ),
                state=self.text,
                after_cancel=self.after_cancel,
                back_to=self.preview,
                getter=_file_of_draft,
                takes_forwards=True,
            ),
            forms.text_step(
                "campaign-file-ask",
                self._read_file,
                Button(
                    forms.Translated("campaign-no-file"),
                    "no_file",
                    on_click=self._remove_file,
                    when="has_file",
                ),
                state=self.file,
                after_cancel=self.after_cancel,
                back_to=self.preview,
                getter=_file_of_draft,
                takes_forwards=True,
            ),
            Window(
                forms.Question("campaign-preview-ask"),
                forms.choices("previews", self._set_preview),
                forms.navigation_row(self.after_cancel, back_to=self.preview),
                state=self.link_preview,
                getter=_preview_choices,
            ),
        )

    async def _read_text(
        self, message: Message, _input: MessageInput, manager: DialogManager
    ) -> None:
        if ad_input.read_text(message, manager):
            await self.show_preview(manager)

    async def _remove_text(
        self, _press: CallbackQuery, _button: Button, manager: DialogManager
    ) -> None:
        ad_input.remove_text(manager)
        await self.show_preview(manager)

    async def _read_file(
        self, message: Message, _input: MessageInput, manager: DialogManager
    ) -> None:
        if ad_input.read_file(message, manager):
            await self.show_preview(manager)

    async def _remove_file(
        self, _press: CallbackQuery, _button: Button, manager: DialogManager
    ) -> None:
        if ad_input.remove_file(manager):
            await self.show_preview(manager)

    async def _set_preview(
        self, _press: CallbackQuery, _select: object, manager: DialogManager, choice: str
    ) -> None:
        ad_input.set_preview(manager, choice)
        await self.show_preview(manager)


async def _preview_choices(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    t = forms.context_of(dialog_manager).t
    preview = ad_input.draft(dialog_manager).link_preview
    if preview is None:
        choices = ["auto"]
    else:
        place = "below" if "above" in preview else "above"
        choices = ["auto", *creatives.PREVIEW_SIZES, place, "off"]
    return {
        "previews": [(choice, t("campaign-preview-choice", choice=choice)) for choice in choices]
    }


async def _file_of_draft(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    return {"has_file": ad_input.draft(dialog_manager).kind != "text"}
