"""Filtering, sorting and pagination of SageMaker's List operations."""

import base64
import json
from collections.abc import Iterable
from typing import Any

from binlocal.sagemaker.errors import ApiError

Members = dict[str, Any]
DEFAULT_PAGE = 10
INFINITY = float("inf")


def page(described: Iterable[Members], kind: str, request: Members) -> tuple[list[Members], str | None]:
    """The descriptions that match `request`, and the NextToken if there are more.

    `kind` is the prefix of the member names, such as `TransformJob`. Raises ApiError for an invalid token.
    """
    sort_by = request.get("SortBy", "CreationTime")
    sorting = sort_by if sort_by == "CreationTime" else f"{kind}{sort_by}"
    descending = request.get("SortOrder", "Descending") == "Descending"

    def sort_key(one: Members) -> list[Any]:
        return [one[sorting], one[f"{kind}Name"]]

    matching = sorted((one for one in described if matches(one, kind, request)), key=sort_key, reverse=descending)
    if token := request.get("NextToken"):
        last = parse_token(token)
        matching = [one for one in matching if (sort_key(one) < last if descending else sort_key(one) > last)]
    shown = matching[: request.get("MaxResults", DEFAULT_PAGE)]
    return shown, make_token(sort_key(shown[-1])) if len(shown) < len(matching) else None


def matches(one: Members, kind: str, request: Members) -> bool:
    created, modified = one["CreationTime"], one.get("LastModifiedTime", one["CreationTime"])
    status = one.get(f"{kind}Status")
    return (
        request.get("NameContains", "").lower() in one[f"{kind}Name"].lower()
        and request.get("StatusEquals", status) == status
        and request.get("CreationTimeAfter", -INFINITY) < created < request.get("CreationTimeBefore", INFINITY)
        and request.get("LastModifiedTimeAfter", -INFINITY) < modified < request.get("LastModifiedTimeBefore", INFINITY)
    )


def make_token(last: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(last).encode()).decode()


def parse_token(token: str) -> list[Any]:
    try:
        last: list[Any] = json.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise ApiError("ValidationException", "Invalid NextToken.") from error
    return last


def pick(one: Members, *names: str) -> Members:
    return {name: one[name] for name in names if name in one}
