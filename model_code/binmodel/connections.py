"""Limits for clients that are slow, send too much or disconnect, so that they do not hold memory or slots for long."""

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


class BodyReader:
    """Reads bodies of at most `max_bytes` that arrive within `seconds`, at most `max_total_bytes` at the same time."""

    def __init__(self, max_bytes: int, max_total_bytes: int, seconds: float) -> None:
        self._max_bytes, self._max_total_bytes, self._seconds = max_bytes, max_total_bytes, seconds
        self._held = 0

    @asynccontextmanager
    async def received(self, request: Request) -> AsyncIterator[bytes]:
        """Yields the body, which counts towards the total inside the block.

        Raises HTTPException: 413 if it is too large, 408 if it is too slow or incomplete, 503 if the total is reached.
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
        if size > self._max_bytes:
            raise HTTPException(413, f"The request is larger than {self._max_bytes // 2**20} MiB.")
        if self._held > self._max_total_bytes:
            raise HTTPException(503, "The server has too many requests. Try again later.")


async def while_connected(request: Request, work: Callable[[threading.Event], T], limiter: CapacityLimiter) -> T | None:
    """Runs `work` in a thread and returns its result, or None if the client disconnects first.

    `work` gets an event that is set when the client disconnects. If it has not started by then, it never starts.
    """
    disconnected = threading.Event()
    result = None

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        disconnected.set()
        group.cancel_scope.cancel()

    async with create_task_group() as group:
        group.start_soon(watch)
        result = await to_thread.run_sync(work, disconnected, limiter=limiter)
        group.cancel_scope.cancel()
    return None if disconnected.is_set() else result


class TimeoutProtocol(H11Protocol):
    """HTTP/1.1 with timeouts, without which uvicorn waits for slow clients forever.

    A client has `read_seconds` to send a request's headers, and to finish a body that the application left unread.
    It has `write_seconds` to read a response that exceeds the write buffer. `BodyReader` limits the other bodies.
    """

    read_seconds = 20.0
    write_seconds = 60.0
    _read_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._update_read_timer()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._update_read_timer()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._update_read_timer()

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

    def _update_read_timer(self) -> None:
        """Runs the timer while the server waits for the client and no application does."""
        unread = self.conn.their_state is h11.SEND_BODY and self.conn.our_state is h11.DONE
        if self.conn.their_state is h11.IDLE or unread:
            self._read_timer = self._read_timer or self.loop.call_later(self.read_seconds, self.transport.abort)
        elif self._read_timer:
            self._read_timer.cancel()
            self._read_timer = None
