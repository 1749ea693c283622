"""The gate in front of MiniStack and the local SageMaker, which can run code, and which any web page can reach.

What MiniStack itself does not ask: that the request names this machine (or a page rebinds its own name to it), that
no page of another origin sends it, and that its sender knows the key of this run. The S3 form POST, whose credentials
are in its body, does not pass. HTTP APIs of API Gateway need no key: they have tokens of their own. What arrives at
another address than the loopback one, from a container, always needs the key.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from hmac import compare_digest
from ipaddress import ip_address
from typing import Any
from xml.sax.saxutils import escape

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.websockets import WebSocketClose

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
# Under this name a container finds this machine's loopback, where Docker gives it that (Docker Desktop does).
DOCKER_HOST = "host.docker.internal"
POLICY_VIOLATION = 1008
CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/")
API_HOST = re.compile(r"([a-z0-9]+)\.execute-api\.localhost")
# The slash after the id counts: MiniStack takes a path without it for a request to any other service.
API_PATH = re.compile(r"/_aws/execute-api/[a-z0-9]+/")
# The public keys of a user pool: MiniStack fetches them over HTTP to check the tokens of an API's callers.
POOL_KEYS = re.compile(r"/[a-z0-9-]+_[A-Za-z0-9]+/\.well-known/jwks\.json")


class ForbiddenError(Exception):
    """The request does not pass. `code` is in the words of AWS."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Gate:
    """An ASGI application that lets some requests through to `app`, which listens on `port` of this machine.

    `key` has to be the access key id or the session token of a request, signed or presigned (signatures are not
    checked: who knows the key may do everything). `health` is the one path that anybody on this machine may GET.
    """

    def __init__(self, app: App, *, port: int, key: str, health: str) -> None:
        self._app = app
        self._key = key
        self._health = health
        self._ports = ("", f":{port}") if port == 80 else (f":{port}",)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(POLICY_VIOLATION)(scope, receive, send)
        elif scope["type"] == "http":
            await self._pass(scope, receive, send)

    async def _pass(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            admitted = self.admit(scope)
        except ForbiddenError as error:
            await refusal(error, scope)(scope, receive, sandboxed(send))
        else:
            send = without_cors(send)
            await self._app(admitted, receive, send if is_api(admitted) else sandboxed(send))

    def admit(self, scope: Message) -> Message:
        """The request as `app` shall see it: the host of an HTTP API becomes its path. Raises ForbiddenError."""
        headers = Headers(scope=scope)
        host = self._host_of(headers)
        check_origin(headers, host)
        match = API_HOST.fullmatch(self._name_of(host))
        if match and arrived_on_loopback(scope):
            return with_path_below(scope, f"/_aws/execute-api/{match[1]}")
        if self._carries_key(headers, QueryParams(scope["query_string"])):
            return scope
        return self._without_key(scope, host)

    def _host_of(self, headers: Headers) -> str:
        match [host.lower() for host in headers.getlist("host")]:
            case [host] if (name := self._name_of(host)) in (*LOOPBACK, DOCKER_HOST) or API_HOST.fullmatch(name):
                return host
        raise ForbiddenError("AccessDenied", f"The local stack answers requests to 127.0.0.1{self._ports[-1]} only.")

    def _name_of(self, host: str) -> str:
        """The host's name, empty where its port is not ours."""
        return next((host.removesuffix(port) for port in reversed(self._ports) if host.endswith(port)), "")

    def _carries_key(self, headers: Headers, query: QueryParams) -> bool:
        return any(compare_digest(found.encode(), self._key.encode()) for found in presented(headers, query))

    def _without_key(self, scope: Message, host: str) -> Message:
        """Raises ForbiddenError unless this request needs no key."""
        local = self._name_of(host) in LOOPBACK and arrived_on_loopback(scope)
        reads = scope["method"] == "GET" and (scope["path"] == self._health or POOL_KEYS.fullmatch(scope["path"]))
        if local and reads:
            # The path alone: by a query or a header MiniStack would take it for a request to another service.
            return {**scope, "query_string": b"", "headers": [(b"host", host.encode("latin-1"))]}
        if local and is_api(scope):
            return scope
        raise ForbiddenError(
            "InvalidClientTokenId",
            "The request does not carry the access key of this run of the local stack. Each start of the stack "
            "makes up a new one: source its aws.env again in this terminal.",
        )


def arrived_on_loopback(scope: Message) -> bool:
    address, _ = scope["server"]
    return ip_address(address).is_loopback


def check_origin(headers: Headers, host: str) -> None:
    """Raises ForbiddenError for what a page of another origin sends. Programs send neither header."""
    sites = set(headers.getlist("sec-fetch-site")) - {"same-origin", "none"}
    origins = {origin.lower() for origin in headers.getlist("origin")} - {f"http://{host}"}
    if sites or origins:
        raise ForbiddenError("AccessDenied", "The local stack answers no page of another origin.")


def presented(headers: Headers, query: QueryParams) -> Iterator[str]:
    """Every access key id and session token that a request carries. A function of the stack has only the latter."""
    for value in headers.getlist("authorization"):
        if match := CREDENTIAL.match(value):
            yield match[1]
    yield from headers.getlist("x-amz-security-token")
    yield from (credential.partition("/")[0] for credential in query.getlist("X-Amz-Credential"))
    yield from query.getlist("X-Amz-Security-Token")
    yield from query.getlist("AWSAccessKeyId")  # version 2 of presigning, which boto3 still takes in us-east-1


def is_api(scope: Message) -> bool:
    return bool(API_PATH.match(scope["path"]))


def with_path_below(scope: Message, prefix: str) -> Message:
    raw = scope.get("raw_path")
    path = {"path": prefix + scope["path"], "raw_path": raw if raw is None else prefix.encode() + raw}
    return {**scope, **path}


def without_cors(send: Send) -> Send:
    """Without the headers that let pages of other origins read."""

    async def send_rest(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [
                pair for pair in message.get("headers", []) if not pair[0].lower().startswith(b"access-control-")
            ]
            message = {**message, "headers": headers}
        await send(message)

    return send_rest


# The address of a stored object may hold the key. A page stored there runs no script and loads nothing that would tell
# the address to others.
STORED_PAGE = [
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]


def sandboxed(send: Send) -> Send:
    """Adds headers that keep a stored object from acting as a page of this origin, whatever its content type."""

    async def send_more(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *STORED_PAGE]}
        await send(message)

    return send_more


def refusal(error: ForbiddenError, scope: Message) -> Response:
    """403, as the SDK reads it that asked: XML for S3 and the Query protocol, else JSON."""
    named = {"x-amzn-ErrorType": error.code}
    if speaks_xml(Headers(scope=scope), QueryParams(scope["query_string"])):
        inner = f"<Code>{error.code}</Code><Message>{escape(str(error))}</Message>"
        body = f"<ErrorResponse><Error>{inner}</Error><RequestId>local</RequestId></ErrorResponse>"
        return Response(body, 403, named, media_type="application/xml")
    body = json.dumps({"__type": error.code, "message": str(error)})
    return Response(body, 403, named, media_type="application/x-amz-json-1.1")


def speaks_xml(headers: Headers, query: QueryParams) -> bool:
    signed = headers.get("authorization", "") + query.get("X-Amz-Credential", "")
    form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return form or "/s3/aws4_request" in signed
