"""Change the parts of an ad one by one, from the preview of a form."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiogram.fsm.state import State
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput
from aiogram_dialog.widgets.kbd import Button

from handlers import ad_input, album_input, forms
from services.market import creatives


def opener(message_id: str, step: State, *, when: str | None = None) -> Button:
    """Make a button of a preview that opens the step of one part."""

    async def open_step(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
        await forms.next_step(manager, step)

    name = str(step.state).rpartition(":")[2]
    return Button(forms.Translated(message_id), f"open_{name}", on_click=open_step, when=when)


def preview_facts(manager: DialogManager) -> dict[str, Any]:
    """Return what the widgets of `AdFields` need in the data of the preview."""
    ad = ad_input.draft(manager)
    return {
        "has_preview": ad_input.may_have_preview(ad),
        "is_album": bool(ad.items),
        "is_no_album": not ad.items,
    }


@dataclass(frozen=True)
class AdFields:
    """The steps of a form that change the text, the file and the link preview of its ad.

    They lead back to the preview. The form has its own steps for the whole ad and the link button.
    The step `album` shows how much of an album has come, and `after_album` goes on from there.
    """

    ad: State
    album: State
    preview: State
    text: State
    file: State
    link_preview: State
    button_text: State
    after_cancel: forms.ScreenAfterCancel
    after_album: Callable[[DialogManager], Awaitable[None]]

    async def take_album(self, message: Message, manager: DialogManager) -> bool:
        """Take a file of an album in a step for the whole ad. Return False for other messages."""
        return await album_input.take_part(message, manager, self.album, self.ad)

    async def take_late_part(self, message: Message, manager: DialogManager) -> bool:
        """Take a file of the ad's album that came late, in a step that asks for something else."""
        return await album_input.take_late_part(message, manager, self.album, self.ad)

    async def show_preview(self, manager: DialogManager) -> None:
        """Show the ad, and the preview below it. If Telegram refuses the ad, ask for another."""
        if await ad_input.show_preview(manager, self.ad):
            await forms.next_step(manager, self.preview)

    def openers(self) -> Sequence[Button]:
        """Make the buttons of the preview, one for each part of the ad."""
        return (
            opener("campaign-change-text", self.text, when="is_no_album"),
            opener("campaign-change-file", self.file, when="is_no_album"),
            opener("campaign-change-button", self.button_text, when="is_no_album"),
            opener("campaign-change-preview", self.link_preview, when="has_preview"),
        )

    def windows(self, read_ad: forms.AnswerHandler) -> Sequence[Window]:
        """Make the windows of the steps. `read_ad` reads a whole ad, which replaces an album."""
        return (
            Window(
                forms.Question("ad-album-ask"),
                ad_input.AdLosses(),
                MessageInput(read_ad),
                Button(forms.Translated("ad-album-go-on"), "go_on", on_click=self._use_album),
                Button(forms.Translated("ad-album-other"), "other", on_click=self._drop_album),
                forms.navigation_row(self.after_cancel, first=True),
                state=self.album,
                getter=_album_facts,
            ),
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

    async def _use_album(
        self, _press: CallbackQuery, _button: Button, manager: DialogManager
    ) -> None:
        if album_input.use(manager):
            await self.after_album(manager)

    async def _drop_album(
        self, _press: CallbackQuery, _button: Button, manager: DialogManager
    ) -> None:
        album_input.drop(manager)
        await forms.next_step(manager, self.ad)

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


async def _album_facts(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    return {"values": {"count": album_input.count(dialog_manager)}}


async def _file_of_draft(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    return {"has_file": ad_input.draft(dialog_manager).kind != "text"}
