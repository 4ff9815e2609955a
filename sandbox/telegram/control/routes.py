"""Define the addresses of the control API, and check each request's token."""

from collections.abc import Awaitable, Callable
from secrets import compare_digest

from aiohttp import web

from sandbox.telegram.control import (
    chat_info,
    chats,
    files,
    joining,
    operations,
    page,
    people,
    queries,
    reactions,
)
from sandbox.telegram.control.request import ControlContext, ControlRequest, read_control_request
from sandbox.telegram.errors import ControlError, TelegramError
from sandbox.telegram.persistence import Json

Handler = Callable[[ControlRequest], Awaitable[Json]]
RawHandler = Callable[[ControlContext, web.Request], Awaitable[web.Response]]

ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/control/state", queries.show_state),
    ("GET", "/control/chats/{id}/messages", queries.list_messages),
    ("GET", "/control/published", queries.list_publications),
    ("GET", "/control/page", page.follow_world),
    ("POST", "/control/chats/{id}/read", page.mark_read),
    ("POST", "/control/start_over", page.start_over),
    ("POST", "/control/users", people.add_person),
    ("POST", "/control/users/{id}/send", people.send),
    ("POST", "/control/users/{id}/press", people.press),
    ("POST", "/control/users/{id}/choose_channel", people.choose_channel),
    ("POST", "/control/users/{id}/join", joining.join),
    ("POST", "/control/users/{id}/pay", people.pay),
    ("POST", "/control/users/{id}/refund_payment", people.refund_payment),
    ("POST", "/control/channels", chats.add_channel),
    ("POST", "/control/groups", chats.add_group),
    ("POST", "/control/chats/{id}/members", chats.set_member),
    ("POST", "/control/chats/{id}/transfer", chats.transfer),
    ("POST", "/control/chats/{id}/info", chat_info.change_info),
    ("POST", "/control/chats/{id}/post", chats.post),
    ("POST", "/control/chats/{id}/edit", chats.edit),
    ("POST", "/control/chats/{id}/replace_media", chats.replace_media),
    ("POST", "/control/chats/{id}/delete", chats.delete),
    ("POST", "/control/chats/{id}/react", reactions.react),
    ("POST", "/control/chats/{id}/audience", reactions.set_audience),
    ("POST", "/control/faults", operations.add_fault),
    ("DELETE", "/control/faults", operations.clear_faults),
    ("POST", "/control/limits", operations.set_limits),
    ("POST", "/control/clock", operations.move_clock),
    ("POST", "/control/processes/{name}/kill", operations.kill_process),
    ("POST", "/control/processes/{name}/start", operations.start_process),
)


def add_routes(app: web.Application, context: ControlContext) -> None:
    """Add the control API to the application. Each request must have the control token."""
    for method, path, handler in ROUTES:
        app.router.add_route(method, path, _authorized(context, handler))
    app.router.add_get("/control/files/{file_id}", _authorized_raw(context, files.serve))
    app.router.add_post("/control/files", _authorized_raw(context, files.upload))


def _error_response(sentence: str, status: int) -> web.Response:
    return web.json_response({"error": sentence}, status=status)


def _is_authorized(context: ControlContext, request: web.Request) -> bool:
    header = request.headers.get("Authorization", "")
    return compare_digest(
        header.encode(errors="replace"), f"Bearer {context.control_token}".encode()
    )


def _authorized(
    context: ControlContext, handler: Handler
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(context: ControlContext, request: web.Request) -> web.Response:
        parsed = await read_control_request(context, request)
        return web.json_response(await handler(parsed))

    return _authorized_raw(context, answer)


def _authorized_raw(
    context: ControlContext, handler: RawHandler
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        if not _is_authorized(context, request):
            return _error_response("the control token is missing or wrong", 401)
        try:
            return await handler(context, request)
        except ControlError as error:
            return _error_response(error.sentence, error.status)
        except TelegramError as error:
            # Messages of people pass the same checks as messages of the bot.
            return _error_response(error.description.removeprefix("Bad Request: "), 400)
        finally:
            context.state.commit()

    return handle
