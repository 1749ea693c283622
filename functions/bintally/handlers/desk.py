"""Serves the desk: its page to everybody, and its API to those whom API Gateway has let in."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from bintally.handlers.desk_api.access import check_access
from bintally.handlers.desk_api.app import api, refused, unless_unchanged
from bintally.handlers.desk_api.pages import page, security_headers
from bintally.handlers.desk_api.problems import Problem
from bintally.handlers.desk_api.settings import desk_settings
from bintally.handlers.observability import logger
from bintally.handlers.wiring import dependencies


@cache
def security() -> dict[str, str]:
    """The headers of every answer."""
    return security_headers(desk_settings().sign_in_url, dependencies().photos.origin)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The answer to one request, payload format 2.0."""
    method, path = event["requestContext"]["http"]["method"], event["rawPath"]
    if not path.startswith("/api/"):
        return page(method, path, event["headers"], security())
    try:
        check_access(event)
    except Problem as problem:
        answer = refused(problem)
    else:
        answer = unless_unchanged(event, api().resolve(event, context))
    logger.info("answered", extra={"route": f"{method} {path}", "status": answer["statusCode"]})
    caching = "no-cache" if method == "GET" else "no-store"
    return {**answer, "headers": {**security(), "Cache-Control": caching, **answer["headers"]}}
