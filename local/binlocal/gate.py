"""The gate in front of MiniStack and the local SageMaker, which can run code and which any web page can reach.

It checks what MiniStack does not: that the Host header names this machine (against DNS rebinding), that no page of
another origin sends the request, and that the sender knows the access key of this run. S3 form POSTs, which carry their
credentials in the body, are denied. API Gateway's HTTP APIs need no key because they have their own authorization, and
neither do Cognito's pages on which people sign in to them.
Requests from containers, which arrive at another address than loopback, always need the key.
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
# The name under which containers reach this machine (Docker Desktop sets it up).
DOCKER_HOST = "host.docker.internal"
POLICY_VIOLATION = 1008
CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/")
API_HOST = re.compile(r"([a-z0-9]+)\.execute-api\.localhost")
# The slash after the id matters: MiniStack treats a path without it as a request to another service.
API_PATH = re.compile(r"/_aws/execute-api/[a-z0-9]+/")
# A user pool's public keys, which MiniStack fetches over HTTP to check an API caller's tokens.
POOL_KEYS = re.compile(r"/[a-z0-9-]+_[A-Za-z0-9]+/\.well-known/jwks\.json")
# Cognito's sign-in and sign-out, as a browser uses them.
SIGN_IN = {("GET", "/oauth2/authorize"), ("POST", "/login"), ("POST", "/oauth2/token"), ("GET", "/logout")}
FORM = "application/x-www-form-urlencoded"


class ForbiddenError(Exception):
    """The request is denied. `code` is an AWS error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Gate:
    """An ASGI application that passes permitted requests on to `app`, which is served on `port` of this machine.

    A request needs `key` as its access key id or session token, signed or presigned. Signatures are not checked:
    anyone with the key may do everything. `health` is the only path that can be read (GET) without the key.
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
            await self._handle_http(scope, receive, send)

    async def _handle_http(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            admitted = self.admit(scope)
        except ForbiddenError as error:
            await denial(error, scope)(scope, receive, with_headers(send, STORED_PAGE))
        else:
            send = without_cors(send)
            if not is_api(admitted):
                send = with_headers(send, SIGN_IN_PAGE if is_sign_in(admitted) else STORED_PAGE)
            await self._app(admitted, receive, send)

    def admit(self, scope: Message) -> Message:
        """The request to pass on, with the host name of an HTTP API turned into a path. Raises ForbiddenError."""
        headers = Headers(scope=scope)
        host = self._host_of(headers)
        check_origin(headers, host)
        match = API_HOST.fullmatch(self._name_of(host))
        if match and arrived_on_loopback(scope):
            return with_path_prefix(scope, f"/_aws/execute-api/{match[1]}")
        if self._has_key(headers, QueryParams(scope["query_string"])):
            return scope
        return self._admit_without_key(scope, host)

    def _host_of(self, headers: Headers) -> str:
        match [host.lower() for host in headers.getlist("host")]:
            case [host] if (name := self._name_of(host)) in (*LOOPBACK, DOCKER_HOST) or API_HOST.fullmatch(name):
                return host
        raise ForbiddenError("AccessDenied", f"The local stack accepts requests to 127.0.0.1{self._ports[-1]} only.")

    def _name_of(self, host: str) -> str:
        """The host name without the port. Empty if the port is not ours."""
        return next((host.removesuffix(port) for port in reversed(self._ports) if host.endswith(port)), "")

    def _has_key(self, headers: Headers, query: QueryParams) -> bool:
        return any(compare_digest(found.encode(), self._key.encode()) for found in presented_keys(headers, query))

    def _admit_without_key(self, scope: Message, host: str) -> Message:
        """The request to pass on if it needs no key. Raises ForbiddenError otherwise."""
        local = self._name_of(host) in LOOPBACK and arrived_on_loopback(scope)
        reads = scope["method"] == "GET" and (scope["path"] == self._health or POOL_KEYS.fullmatch(scope["path"]))
        if local and reads:
            # Pass on only the path: MiniStack also selects services by query and headers.
            return {**scope, "query_string": b"", "headers": [(b"host", host.encode("latin-1"))]}
        if local and is_api(scope):
            return scope
        if local and is_sign_in(scope):
            return plain_form(scope)
        raise ForbiddenError(
            "InvalidClientTokenId",
            "The request does not have the access key of the running local stack. Each start of the stack creates a "
            "new key: source its aws.env again in this terminal.",
        )


def arrived_on_loopback(scope: Message) -> bool:
    address, _ = scope["server"]
    return ip_address(address).is_loopback


def check_origin(headers: Headers, host: str) -> None:
    """Raises ForbiddenError for requests from a page of another origin. Programs send neither header."""
    sites = set(headers.getlist("sec-fetch-site")) - {"same-origin", "none"}
    origins = {origin.lower() for origin in headers.getlist("origin")} - {f"http://{host}"}
    if sites or origins:
        raise ForbiddenError(
            "AccessDenied", "The local stack does not accept requests from web pages of another origin."
        )


def presented_keys(headers: Headers, query: QueryParams) -> Iterator[str]:
    """All access key ids and session tokens in a request. The stack's own functions have the key as their token."""
    for value in headers.getlist("authorization"):
        if match := CREDENTIAL.match(value):
            yield match[1]
    yield from headers.getlist("x-amz-security-token")
    yield from (credential.partition("/")[0] for credential in query.getlist("X-Amz-Credential"))
    yield from query.getlist("X-Amz-Security-Token")
    yield from query.getlist("AWSAccessKeyId")  # presigning version 2, boto3's default in us-east-1


def is_api(scope: Message) -> bool:
    return bool(API_PATH.match(scope["path"]))


def is_sign_in(scope: Message) -> bool:
    return (scope["method"], scope["path"]) in SIGN_IN


def plain_form(scope: Message) -> Message:
    """The request without what could select another service of MiniStack: headers, and the query of a form."""
    allowed = (b"host", b"content-type", b"content-length", b"transfer-encoding")
    headers = [pair for pair in scope["headers"] if pair[0].lower() in allowed]
    if scope["method"] == "GET":
        return {**scope, "headers": headers}
    media_type = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
    if media_type != FORM:
        raise ForbiddenError("AccessDenied", f"Sign in with a form of the type {FORM}.")
    return {**scope, "headers": headers, "query_string": b""}


def with_path_prefix(scope: Message, prefix: str) -> Message:
    raw = scope.get("raw_path")
    path = {"path": prefix + scope["path"], "raw_path": raw if raw is None else prefix.encode() + raw}
    return {**scope, **path}


def without_cors(send: Send) -> Send:
    """Removes the headers that let pages of other origins read responses."""

    async def send_rest(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [
                pair for pair in message.get("headers", []) if not pair[0].lower().startswith(b"access-control-")
            ]
            message = {**message, "headers": headers}
        await send(message)

    return send_rest


# A presigned URL contains the key. So a page stored there runs no scripts, and loads nothing from a server that would
# learn the URL from a browser's referrer.
STORED_PAGE = [
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]
# MiniStack's sign-in page is a form without scripts. It needs a referrer policy that keeps the form's Origin header.
SIGN_IN_PAGE = [
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
]


def with_headers(send: Send, added: list[tuple[bytes, bytes]]) -> Send:
    """Adds headers that keep what is sent from acting as a page of this origin, whatever its content type."""

    async def send_more(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *added]}
        await send(message)

    return send_more


def denial(error: ForbiddenError, scope: Message) -> Response:
    """A 403 response in the caller's protocol: XML for S3 and the Query protocol, otherwise JSON."""
    headers = {"x-amzn-ErrorType": error.code}
    if expects_xml(Headers(scope=scope), QueryParams(scope["query_string"])):
        inner = f"<Code>{error.code}</Code><Message>{escape(str(error))}</Message>"
        body = f"<ErrorResponse><Error>{inner}</Error><RequestId>local</RequestId></ErrorResponse>"
        return Response(body, 403, headers, media_type="application/xml")
    body = json.dumps({"__type": error.code, "message": str(error)})
    return Response(body, 403, headers, media_type="application/x-amz-json-1.1")


def expects_xml(headers: Headers, query: QueryParams) -> bool:
    signed = headers.get("authorization", "") + query.get("X-Amz-Credential", "")
    form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return form or "/s3/aws4_request" in signed
