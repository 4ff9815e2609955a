"""Addresses of the control API."""

from collections.abc import Awaitable, Callable
from secrets import compare_digest

from aiohttp import web

from sandbox.control import chats, people, queries, switches
from sandbox.control.world import Order, World, read_order
from sandbox.errors import ControlError, TelegramError
from sandbox.persistence import Json

Act = Callable[[Order], Awaitable[Json]]

ROUTES: tuple[tuple[str, str, Act], ...] = (
    ("GET", "/control/state", queries.state),
    ("GET", "/control/chats/{id}/messages", queries.messages),
    ("GET", "/control/published", queries.published),
    ("POST", "/control/users", people.add),
    ("POST", "/control/users/{id}/send", people.send),
    ("POST", "/control/users/{id}/press", people.press),
    ("POST", "/control/users/{id}/choose_channel", people.choose_channel),
    ("POST", "/control/users/{id}/pay", people.pay),
    ("POST", "/control/users/{id}/refund_payment", people.refund_payment),
    ("POST", "/control/channels", chats.add_channel),
    ("POST", "/control/groups", chats.add_group),
    ("POST", "/control/chats/{id}/members", chats.set_member),
    ("POST", "/control/chats/{id}/post", chats.post),
    ("POST", "/control/chats/{id}/edit", chats.edit),
    ("POST", "/control/chats/{id}/delete", chats.delete),
    ("POST", "/control/faults", switches.add_fault),
    ("DELETE", "/control/faults", switches.clear_faults),
    ("POST", "/control/limits", switches.limits),
    ("POST", "/control/clock", switches.clock),
    ("POST", "/control/processes/{name}/kill", switches.kill),
    ("POST", "/control/processes/{name}/start", switches.start),
)


def add(app: web.Application, world: World) -> None:
    """Put the control API into the application, behind its token."""
    for method, path, act in ROUTES:
        app.router.add_route(method, path, _guarded(world, act))
    app.router.add_get("/control/files/{file_id}", _file(world))


def _refuse(sentence: str, status: int) -> web.Response:
    return web.json_response({"error": sentence}, status=status)


def _admitted(world: World, request: web.Request) -> bool:
    given = request.headers.get("Authorization", "")
    return compare_digest(given.encode(), f"Bearer {world.control_token}".encode())


def _guarded(world: World, act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        if not _admitted(world, request):
            return _refuse("the control token is missing or wrong", 401)
        try:
            return web.json_response(await act(await read_order(world, request)))
        except ControlError as error:
            return _refuse(error.sentence, error.status)
        except TelegramError as error:
            # What a person writes passes the same checks as what the bot writes.
            return _refuse(error.description.removeprefix("Bad Request: "), 400)
        finally:
            world.state.commit()

    return handle


def _file(world: World) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        if not _admitted(world, request):
            return _refuse("the control token is missing or wrong", 401)
        file = world.state.files.get(request.match_info["file_id"])
        if file is None:
            return _refuse("there is no such file", 404)
        content = world.state.file_path(file).read_bytes()
        return web.Response(body=content, content_type="application/octet-stream")

    return handle
