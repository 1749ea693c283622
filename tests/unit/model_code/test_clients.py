"""Clients that are slow, send too much, or are gone."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import psutil
import pytest
from anyio import CapacityLimiter
from binmodel.clients import Bodies, PromptProtocol, while_connected
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
    """A request that arrives as these messages, after which nothing comes any more."""
    left = list(messages)

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


async def status_of(bodies: Bodies, arriving: Request) -> int:
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
    ids=["as large as may be", "too large", "never ends", "broken off"],
)
def test_a_body_is_taken_up_to_its_limit_and_while_it_arrives(messages: list[Message], status: int) -> None:
    assert asyncio.run(status_of(Bodies(10, 100, 0.05), request(*messages))) == status


def test_bodies_are_limited_together_until_they_are_done_with() -> None:
    async def statuses() -> list[int]:
        bodies = Bodies(10, 20, 5)
        async with AsyncExitStack() as held:
            for _ in range(2):
                await held.enter_async_context(bodies.received(request(chunk(b"x" * 10))))
            full = [await status_of(bodies, request(chunk(b"x"))) for _ in range(2)]
        return [*full, await status_of(bodies, request(chunk(b"x" * 10)))]

    assert asyncio.run(statuses()) == [503, 503, 200]


def test_a_body_that_is_refused_is_held_no_longer() -> None:
    async def last() -> int:
        bodies = Bodies(10, 10, 0.05)
        for arriving in (request(chunk(b"x" * 10, more=True)), request(chunk(b"x" * 11))):
            await status_of(bodies, arriving)
        return await status_of(bodies, request(chunk(b"x" * 10)))

    assert asyncio.run(last()) == 200


def test_work_whose_client_is_gone_before_its_turn_does_not_begin() -> None:
    begun: list[threading.Event] = []

    async def run() -> object:
        limiter = CapacityLimiter(1)
        async with limiter:
            return await while_connected(request(DISCONNECT), begun.append, limiter)

    assert asyncio.run(run()) is None
    assert begun == []


def test_work_whose_client_leaves_is_told_so() -> None:
    async def run() -> object:
        return await while_connected(request(DISCONNECT), lambda gone: gone.wait(30), CapacityLimiter(1))

    assert asyncio.run(run()) is None


def test_work_whose_client_stays_has_its_answer() -> None:
    async def run() -> object:
        return await while_connected(request(), lambda gone: gone.is_set(), CapacityLimiter(1))

    assert asyncio.run(run()) is False


class Hasty(PromptProtocol):
    read_seconds = 0.2
    write_seconds = 0.2


def answering(action: Callable[[Request], Awaitable[Response]]) -> Starlette:
    return Starlette(routes=[Route("/", action, methods=["GET", "POST"])])


async def at_once(_: Request) -> Response:
    return Response(b"at once")


async def slowly(_: Request) -> Response:
    await asyncio.sleep(0.5)
    return Response(b"slowly")


async def much(_: Request) -> Response:
    return Response(b"x" * 20_000_000)


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"])
@pytest.mark.parametrize("before", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], ids=["first", "second"])
def test_headers_that_do_not_end_close_the_connection(before: bytes, sent: bytes) -> None:
    with running(answering(at_once), Hasty) as client, connected(client) as connection:
        connection.sendall(before + sent)
        answers = all_of(connection)

    assert answers.count(b"HTTP/1.1 200 ") == bool(before)


def test_an_answer_may_take_longer_than_the_headers() -> None:
    with running(answering(slowly), Hasty) as client:
        assert client.get("/").text == "slowly"


def sends(connection: socket.socket) -> bool:
    try:
        connection.sendall(b"x")
    except ConnectionError:
        return False
    return True


@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_a_client_that_goes_on_sending_after_its_answer_is_cut_off(path: str) -> None:
    with running(answering(at_once), Hasty) as client, begin(client, b"", 10**9, path) as connection:
        assert connection.recv(9) == b"HTTP/1.1 "
        eventually(lambda: not sends(connection), "the end of the connection")


def peers(port: int) -> Iterator[int]:
    """The other ends of the connection from `port` that this process, which is the server too, holds."""
    return (held.fd for held in psutil.Process().net_connections("tcp") if held.raddr and held.raddr.port == port)


def test_a_client_that_does_not_take_its_answer_is_cut_off() -> None:
    """Its answer would stay in memory."""
    with running(answering(much), Hasty) as client, begin(client, b"", 0, "/") as connection:
        assert connection.recv(9) == b"HTTP/1.1 "
        eventually(lambda: not any(peers(connection.getsockname()[1])), "the end of the connection")


def test_a_client_that_takes_its_answer_gets_all_of_it() -> None:
    with running(answering(much), Hasty) as client:
        assert len(client.get("/").content) == 20_000_000
