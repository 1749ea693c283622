"""Clients of the server that are slow, send too much, or are gone: none of them holds memory or a place for long."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import h11
from anyio import CapacityLimiter, create_task_group, fail_after, to_thread
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from uvicorn.protocols.http.h11_impl import H11Protocol

T = TypeVar("T")


class Bodies:
    """Takes bodies of at most `each` bytes, and of `together` bytes at once, that arrive within `seconds`."""

    def __init__(self, each: int, together: int, seconds: float) -> None:
        self._each, self._together, self._seconds = each, together, seconds
        self._held = 0

    @asynccontextmanager
    async def received(self, request: Request) -> AsyncIterator[bytes]:
        """The body, which counts as held inside the block.

        Raises HTTPException: 413 for one too large, 408 for one too slow or broken off, 503 where too much is held.
        """
        body = bytearray()
        try:
            await self._fill(body, request)
            yield bytes(body)
        finally:
            self._held -= len(body)

    async def _fill(self, body: bytearray, request: Request) -> None:
        try:
            with fail_after(self._seconds):
                async for chunk in request.stream():
                    body += chunk
                    self._held += len(chunk)
                    self._check(len(body))
        except (TimeoutError, ClientDisconnect) as error:
            message = f"The body did not arrive within {self._seconds:g} s."
            raise HTTPException(408, message, {"Connection": "close"}) from error

    def _check(self, size: int) -> None:
        if size > self._each:
            raise HTTPException(413, f"The request is larger than {self._each // 2**20} MiB.")
        if self._held > self._together:
            raise HTTPException(503, "The server holds too many requests. Try again later.")


async def while_connected(request: Request, work: Callable[[threading.Event], T], limiter: CapacityLimiter) -> T | None:
    """What `work` returns, from a thread of its own; None where the client is gone before.

    `work` is called with an event that is set then, and does not begin at all where its turn has not come.
    """
    gone = threading.Event()
    answer = None

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone.set()
        group.cancel_scope.cancel()

    async with create_task_group() as group:
        group.start_soon(watch)
        answer = await to_thread.run_sync(work, gone, limiter=limiter)
        group.cancel_scope.cancel()
    return None if gone.is_set() else answer


class PromptProtocol(H11Protocol):
    """HTTP/1.1 that closes the connection of a client that is too slow. Uvicorn alone waits forever.

    A client has `read_seconds` to send the headers of a request, and to end a body that the application left unread.
    It has `write_seconds` to take what is too much for the socket's buffer. The application times the bodies it reads.
    """

    read_seconds = 20.0
    write_seconds = 60.0
    _read_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._time_reading()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._time_reading()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._time_reading()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._write_timer = self.loop.call_later(self.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_timer:
            self._write_timer.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for timer in (self._read_timer, self._write_timer):
            if timer:
                timer.cancel()

    def _time_reading(self) -> None:
        """Lets the time run while nothing but the server itself waits for the client."""
        unread = self.conn.their_state is h11.SEND_BODY and self.conn.our_state is h11.DONE
        if self.conn.their_state is h11.IDLE or unread:
            self._read_timer = self._read_timer or self.loop.call_later(self.read_seconds, self.transport.abort)
        elif self._read_timer:
            self._read_timer.cancel()
            self._read_timer = None
