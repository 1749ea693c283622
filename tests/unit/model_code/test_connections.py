"""Clients that are slow, send too much, or disconnect."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import psutil
import pytest
from anyio import CapacityLimiter
from binmodel.connections import BodyReader, TimeoutProtocol, while_connected
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.unit.local.waiting import eventually
from tests.unit.model_code.servers import all_of, begin, connected, running

Message = dict[str, object]
DISCONNECT: Message = {"type": "http.disconnect"}


def chunk(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def request(*messages: Message) -> Request:
    """A request that receives these messages and nothing after them."""
    left = list(messages)

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


async def status_of(bodies: BodyReader, arriving: Request) -> int:
    try:
        async with bodies.received(arriving):
            return 200
    except HTTPException as error:
        return error.status_code


@pytest.mark.parametrize(
    ("messages", "status"),
    [
        ([chunk(b"x" * 10)], 200),
        ([chunk(b"x" * 5, more=True), chunk(b"x" * 6)], 413),
        ([chunk(b"half", more=True)], 408),
        ([chunk(b"half", more=True), DISCONNECT], 408),
    ],
    ids=["maximum size", "too large", "incomplete", "disconnected"],
)
def test_a_body_is_read_within_its_limits(messages: list[Message], status: int) -> None:
    assert asyncio.run(status_of(BodyReader(10, 100, 0.05), request(*messages))) == status


def test_bodies_count_towards_the_total_until_they_are_processed() -> None:
    async def statuses() -> list[int]:
        bodies = BodyReader(10, 20, 5)
        async with AsyncExitStack() as held:
            for _ in range(2):
                await held.enter_async_context(bodies.received(request(chunk(b"x" * 10))))
            full = [await status_of(bodies, request(chunk(b"x"))) for _ in range(2)]
        return [*full, await status_of(bodies, request(chunk(b"x" * 10)))]

    assert asyncio.run(statuses()) == [503, 503, 200]


def test_a_rejected_body_no_longer_counts_towards_the_total() -> None:
    async def last() -> int:
        bodies = BodyReader(10, 10, 0.05)
        for arriving in (request(chunk(b"x" * 10, more=True)), request(chunk(b"x" * 11))):
            await status_of(bodies, arriving)
        return await status_of(bodies, request(chunk(b"x" * 10)))

    assert asyncio.run(last()) == 200


def test_work_does_not_start_if_its_client_has_disconnected() -> None:
    begun: list[threading.Event] = []

    async def run() -> object:
        limiter = CapacityLimiter(1)
        async with limiter:
            return await while_connected(request(DISCONNECT), begun.append, limiter)

    assert asyncio.run(run()) is None
    assert begun == []


def test_work_is_notified_when_its_client_disconnects() -> None:
    async def run() -> object:
        return await while_connected(request(DISCONNECT), lambda gone: gone.wait(30), CapacityLimiter(1))

    assert asyncio.run(run()) is None


def test_work_returns_its_result_to_a_connected_client() -> None:
    async def run() -> object:
        return await while_connected(request(), lambda gone: gone.is_set(), CapacityLimiter(1))

    assert asyncio.run(run()) is False


class ShortTimeouts(TimeoutProtocol):
    read_seconds = 0.2
    write_seconds = 0.2


def answering(action: Callable[[Request], Awaitable[Response]]) -> Starlette:
    return Starlette(routes=[Route("/", action, methods=["GET", "POST"])])


async def immediately(_: Request) -> Response:
    return Response(b"immediately")


async def slowly(_: Request) -> Response:
    await asyncio.sleep(0.5)
    return Response(b"slowly")


async def much(_: Request) -> Response:
    return Response(b"x" * 20_000_000)


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"])
@pytest.mark.parametrize("before", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], ids=["first", "second"])
def test_incomplete_headers_close_the_connection(before: bytes, sent: bytes) -> None:
    with running(answering(immediately), ShortTimeouts) as client, connected(client) as connection:
        connection.sendall(before + sent)
        answers = all_of(connection)

    assert answers.count(b"HTTP/1.1 200 ") == bool(before)


def test_a_response_can_take_longer_than_the_headers() -> None:
    with running(answering(slowly), ShortTimeouts) as client:
        assert client.get("/").text == "slowly"


def sends(connection: socket.socket) -> bool:
    try:
        connection.sendall(b"x")
    except ConnectionError:
        return False
    return True


@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_a_client_that_keeps_sending_after_the_response_is_disconnected(path: str) -> None:
    with running(answering(immediately), ShortTimeouts) as client, begin(client, b"", 10**9, path) as connection:
        assert connection.recv(9) == b"HTTP/1.1 "
        eventually(lambda: not sends(connection), "the end of the connection")


def peers(port: int) -> Iterator[int]:
    """The server's end of the connection from `port`. The server runs in this process."""
    return (held.fd for held in psutil.Process().net_connections("tcp") if held.raddr and held.raddr.port == port)


def test_a_client_that_does_not_read_the_response_is_disconnected() -> None:
    """Its response would stay in memory."""
    with running(answering(much), ShortTimeouts) as client, begin(client, b"", 0, "/") as connection:
        assert connection.recv(9) == b"HTTP/1.1 "
        eventually(lambda: not any(peers(connection.getsockname()[1])), "the end of the connection")


def test_a_client_that_reads_the_response_gets_all_of_it() -> None:
    with running(answering(much)) as client:
        assert len(client.get("/").content) == 20_000_000
