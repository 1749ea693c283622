"""Requests to the desk as API Gateway passes them on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import pytest
from bintally.domain.attention import Attention, Group
from bintally.domain.verdicts import Finding, Verdict
from bintally.handlers import wiring

from tests.template.deployed import stack
from tests.unit.functions.examples import LATER, NOON, counted, make_images, order_line
from tests.unit.functions.handlers.lambdas import CONTEXT


@dataclass(frozen=True)
class Reply:
    """`body` is JSON that was parsed, or text."""

    status: int
    headers: dict[str, str]
    body: Any


def request(method: str, path: str, role: str | None = None, *, name: str = "ann", **more: Any) -> dict[str, Any]:
    """An event; `role` None: nobody signed in. `more` may have `json`, `headers` and `query`."""
    body, query = more.get("json"), more.get("query", "")
    headers = {name.lower(): value for name, value in more.get("headers", {}).items()}
    event: dict[str, Any] = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "queryStringParameters": {name: ",".join(values) for name, values in parse_qs(query).items()},
        "headers": headers | ({"content-type": "application/json"} if body is not None else {}),
        "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"},
        "isBase64Encoded": False,
    }
    if role is not None:
        claims = {"token_use": "access", "username": name, "cognito:groups": f"[{role}]"}
        event["requestContext"]["authorizer"] = {"jwt": {"claims": claims, "scopes": ["openid"]}}
    return event | ({} if body is None else {"body": body if isinstance(body, str) else json.dumps(body)})


def ask(method: str, path: str, role: str | None = None, **more: Any) -> Reply:
    """The desk's reply."""
    from bintally.handlers.desk import handler

    answer = json.loads(json.dumps(handler(request(method, path, role, **more), CONTEXT)))  # type: ignore[arg-type]
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    body = answer["body"]
    return Reply(
        answer["statusCode"], headers, json.loads(body) if body and "json" in headers["content-type"] else body
    )


@contextmanager
def desk_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What template.yaml gives to this function alone."""
    from bintally.handlers import desk
    from bintally.handlers.desk_api import settings

    for name, value in stack().environment("DeskFunction").items():
        monkeypatch.setenv(name, value)
    for cached in (settings.desk_settings, desk.security):
        cached.cache_clear()
    yield
    for cached in (settings.desk_settings, desk.security):
        cached.cache_clear()


def fill(number: int = 2, group: Group = Group.LOOK, audit_share: float | None = None) -> list[str]:
    """So many bins that wait, by default for a look; their ids."""
    tables = wiring.dependencies()
    images = make_images(number)
    lines = [order_line(3, bin_id=image.bin_id, due=LATER) for image in images]
    places = [Attention(group, f"{n:04}") for n in range(number)]
    waiting = [Finding(Verdict.UNCERTAIN, "?", 3, attention=each, audit_share=audit_share) for each in places]
    tables.bins.record([counted(image) for image in images], NOON)
    tables.orders.put(lines, NOON)
    tables.orders.judge([(line, found, 1) for line, found in zip(lines, waiting, strict=True)], NOON)
    return [image.bin_id for image in images]
