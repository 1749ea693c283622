"""The API: its routes together, and which error becomes which answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from bintally.domain.errors import ChangedError, ConflictError, DecisionError, NotFoundError, StoreError
from bintally.handlers.desk_api import bringing, checks, consignments, reading, review, session, taking
from bintally.handlers.desk_api.problems import Problem
from bintally.handlers.observability import logger

ROUTERS = tuple(module.router for module in (session, review, checks, reading, consignments, taking, bringing))
STATUSES = {
    NotFoundError: (404, "not_found"),
    ConflictError: (409, "conflict"),
    ChangedError: (412, "changed"),
    DecisionError: (422, "invalid"),
}


@cache
def api() -> APIGatewayHttpResolver:
    """The resolver with all routes."""
    app = APIGatewayHttpResolver(enable_validation=True)
    for router in ROUTERS:
        app.include_router(router)
    app.exception_handler(Problem)(Problem.response)
    app.exception_handler(DecisionError)(_refused)
    app.exception_handler(StoreError)(_busy)
    app.exception_handler(RequestValidationError)(_invalid)
    app.get("/api/openapi.json", include_in_schema=False)(lambda: _openapi(app))
    return app


def _openapi(app: APIGatewayHttpResolver) -> Response[str]:
    text = app.get_openapi_json_schema(title="The desk of bintally", version="1")
    return Response(200, "application/json", text)


def _refused(error: DecisionError) -> Response[str]:
    status, code = next(found for kind, found in STATUSES.items() if isinstance(error, kind))
    return Problem(status, code, str(error)).response()


def _busy(error: StoreError) -> Response[str]:
    logger.warning("store refused", extra={"reason": str(error)})
    return Problem(503, "busy", "The tables are busy, and nothing was stored. Send the same request again.").response()


def _invalid(error: RequestValidationError) -> Response[str]:
    errors = [{"where": ".".join(map(str, each["loc"])), "message": each["msg"]} for each in error.errors()]
    return Problem(422, "invalid", "The request is not valid.", errors=errors).response()


def unless_unchanged(event: Mapping[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with an ETag of its body if it was read, or 304 if the caller has it already."""
    if event["requestContext"]["http"]["method"] != "GET" or answer["statusCode"] != 200:
        return answer
    etag = f'"{hashlib.sha256(answer["body"].encode()).hexdigest()[:16]}"'
    headers = {**answer["headers"], "ETag": etag}
    if etag in event["headers"].get("if-none-match", ""):
        return {**answer, "statusCode": 304, "headers": headers, "body": ""}
    return {**answer, "headers": headers}


def refused(problem: Problem) -> dict[str, Any]:
    """The answer to a request that reaches no route."""
    response = problem.response()
    headers = {"Content-Type": str(response.content_type), **response.headers}
    return {"statusCode": response.status_code, "headers": headers, "body": response.body, "isBase64Encoded": False}
