"""Handle control API requests that carry the bytes of a file."""

from aiohttp import web

from sandbox.telegram import json_input, media
from sandbox.telegram.control.request import ControlContext
from sandbox.telegram.errors import ControlError
from sandbox.telegram.messages import FILES
from sandbox.telegram.parsing import Upload

LONGEST_NAME = 255


async def serve(context: ControlContext, request: web.Request) -> web.Response:
    """Answer with the bytes of a file."""
    file = context.state.files.get(request.match_info["file_id"])
    if file is None:
        raise ControlError("there is no such file", status=404)
    content = context.state.file_path(file).read_bytes()
    return web.Response(body=content, content_type="application/octet-stream")


async def upload(context: ControlContext, request: web.Request) -> web.Response:
    """Store the request's body as a file of the query's `kind` and `name`, and return its id."""
    kind, name = request.query.get("kind", "document"), request.query.get("name")
    if kind not in FILES:
        raise ControlError(f"kind must be one of {', '.join(FILES)}")
    if name and (len(name) > LONGEST_NAME or not json_input.is_utf8(name)):
        raise ControlError("this name is too long, or not UTF-8")
    content = await request.read()
    if not content:
        raise ControlError("the file is empty")
    if kind == "photo" and len(content) > media.MAX_PHOTO:
        raise ControlError("a photo has at most 10 MB; send it as a document", status=413)
    file = media.store_upload(context.state, kind, Upload(content, name, request.content_type))
    return web.json_response({"file_id": file.id})
