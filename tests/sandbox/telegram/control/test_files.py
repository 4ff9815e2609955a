"""Test that a person stores a file and sends it."""

import io

import pytest

from tests.sandbox.telegram.raw_world import CONTROL_TOKEN, Json, SandboxClient

AUTHORIZED = {"Authorization": f"Bearer {CONTROL_TOKEN}"}


async def store(world: SandboxClient, content: bytes, query: str, expected: int = 200) -> Json:
    """Store a file, check the HTTP status, and return the answer."""
    async with world.http.post(
        f"{world.url}/control/files?{query}", data=io.BytesIO(content), headers=AUTHORIZED
    ) as response:
        answered: Json = await response.json()
        assert response.status == expected, answered
        return answered


async def test_an_own_file_reaches_the_bot(world: SandboxClient) -> None:
    stored = await store(world, b"%PDF-", "kind=document&name=offer.pdf")
    sent = await world.say("the offer", document=stored["file_id"])
    assert (sent["document"]["file_name"], sent["caption"]) == ("offer.pdf", "the offer")
    path = (await world.call("getFile", file_id=stored["file_id"]))["file_path"]
    async with world.http.get(
        f"{world.url}/file/bot424242:sandbox-token_of-the-tests/{path}"
    ) as response:
        assert await response.read() == b"%PDF-"


@pytest.mark.parametrize(
    ("query", "content", "status"),
    [
        ("kind=hologram", b"x", 400),
        ("kind=document", b"", 400),
        (f"kind=document&name={'n' * 256}", b"x", 400),
        ("kind=photo", b"x" * (10 * 1024 * 1024 + 1), 413),
    ],
)
async def test_a_wrong_file_is_refused(
    world: SandboxClient, query: str, content: bytes, status: int
) -> None:
    await store(world, content, query, status)


async def test_only_a_stored_file_of_this_kind_can_be_sent(world: SandboxClient) -> None:
    stored = await store(world, b"x", "kind=document")
    person = world.ids["advertiser"]
    for body in ({"photo": stored["file_id"]}, {"document": "unknown"}, {"document": 1}):
        await world.control(f"users/{person}/send", 400, chat_id=person, **body)


async def test_a_file_needs_the_token(world: SandboxClient) -> None:
    async with world.http.post(f"{world.url}/control/files", data=b"x") as response:
        assert response.status == 401
