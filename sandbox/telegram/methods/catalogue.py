"""List the methods of the Bot API that the sandbox implements."""

from collections.abc import Callable
from typing import Any

from aiogram import methods

from sandbox.telegram.method_call import MethodCall
from sandbox.telegram.methods import (
    albums,
    chats,
    delivery,
    editing,
    payments,
    profile,
    queries,
    sending,
)
from sandbox.telegram.registry import MethodClass

IMPLEMENTED: dict[MethodClass, Callable[[MethodCall[Any]], object]] = {
    methods.AnswerCallbackQuery: queries.answer_callback_query,
    methods.AnswerPreCheckoutQuery: queries.answer_pre_checkout_query,
    methods.CopyMessage: sending.copy_message,
    methods.CopyMessages: albums.copy_messages,
    methods.DeleteMessage: editing.delete_message,
    methods.DeleteMessages: editing.delete_messages,
    methods.DeleteMyCommands: profile.delete_my_commands,
    methods.DeleteWebhook: delivery.delete_webhook,
    methods.EditMessageCaption: editing.edit_message_caption,
    methods.EditMessageMedia: editing.edit_message_media,
    methods.EditMessageReplyMarkup: editing.edit_message_reply_markup,
    methods.EditMessageText: editing.edit_message_text,
    methods.ForwardMessage: sending.forward_message,
    methods.GetChat: chats.get_chat,
    methods.GetChatAdministrators: chats.get_chat_administrators,
    methods.GetChatMember: chats.get_chat_member,
    methods.GetChatMemberCount: chats.get_chat_member_count,
    methods.GetFile: profile.get_file,
    methods.GetMe: profile.get_me,
    methods.GetMyCommands: profile.get_my_commands,
    methods.GetMyDescription: profile.get_my_description,
    methods.GetMyName: profile.get_my_name,
    methods.GetMyShortDescription: profile.get_my_short_description,
    methods.GetStarTransactions: payments.get_star_transactions,
    methods.GetWebhookInfo: delivery.get_webhook_info,
    methods.LeaveChat: chats.leave_chat,
    methods.PinChatMessage: chats.pin_chat_message,
    methods.RefundStarPayment: payments.refund_star_payment,
    methods.SendAnimation: sending.send_animation,
    methods.SendChatAction: sending.send_chat_action,
    methods.SendDocument: sending.send_document,
    methods.SendInvoice: payments.send_invoice,
    methods.SendMediaGroup: albums.send_media_group,
    methods.SendMessage: sending.send_message,
    methods.SendPhoto: sending.send_photo,
    methods.SendVideo: sending.send_video,
    methods.SetMyCommands: profile.set_my_commands,
    methods.SetMyDescription: profile.set_my_description,
    methods.SetMyName: profile.set_my_name,
    methods.SetMyShortDescription: profile.set_my_short_description,
    methods.SetWebhook: delivery.set_webhook,
    methods.StopMessageLiveLocation: editing.stop_message_live_location,
}
