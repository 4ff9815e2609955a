"""Handle control API requests in which people join chats by invite links."""

from sandbox.telegram import invite_links
from sandbox.telegram.control.request import ControlRequest
from sandbox.telegram.errors import ControlError
from sandbox.telegram.persistence import Json


async def join(request: ControlRequest) -> Json:
    """Let a person open an invite link, and return whether the person is in the chat now.

    If the link asks for an approval, the bot gets an update, and the person waits.
    """
    state, person = request.state, request.person()
    link = state.invite_links.get(request.require("invite_link", str))
    if link is None or not invite_links.is_open(state, link):
        raise ControlError("this link is not valid, or not valid any more", status=404)
    member = state.member(link.chat_id, person.id)
    if member.present:
        raise ControlError("this person is in the chat already", status=409)
    if member.status == "kicked":
        raise ControlError("this person is banned from the chat", status=403)
    return {"chat_id": link.chat_id, "joined": invite_links.use(state, link, person.id)}
