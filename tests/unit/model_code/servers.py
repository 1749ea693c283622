"""A real server for tests, and clients that send raw bytes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from binmodel.connections import TimeoutProtocol
from starlette.types import ASGIApp

LINES = {"content-type": "application/jsonlines"}


@contextmanager
def running(app: ASGIApp, http: type[TimeoutProtocol] = TimeoutProtocol) -> Iterator[httpx.Client]:
    """Serves the application on a free loopback port, and yields a client."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, http=http, log_level="error", lifespan="off"))
    listener = server.config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


def connected(client: httpx.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=30)


def begin(client: httpx.Client, body: bytes, length: int, path: str = "/invocations") -> socket.socket:
    """Sends `body` as the start of a manifest of `length` bytes, and returns the connection."""
    connection = connected(client)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/jsonlines\r\nContent-Length: {length}"
    connection.sendall(head.encode() + b"\r\n\r\n" + body)
    return connection


def all_of(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))
