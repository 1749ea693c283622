"""The pages of SageMaker's List operations: filtered, sorted, and continued behind the last one shown."""

import base64
import json
from collections.abc import Iterable
from typing import Any

from binlocal.sagemaker.errors import RefusedError

Members = dict[str, Any]
DEFAULT_PAGE = 10
ENDLESS = float("inf")


def page(described: Iterable[Members], kind: str, request: Members) -> tuple[list[Members], str | None]:
    """The descriptions that `request` asks for, and the NextToken if there are more.

    `kind` is what the members begin with, such as `TransformJob`. Raises RefusedError for a token that is none.
    """
    sort_by = request.get("SortBy", "CreationTime")
    sorting = sort_by if sort_by == "CreationTime" else f"{kind}{sort_by}"
    backwards = request.get("SortOrder", "Descending") == "Descending"

    def place(one: Members) -> list[Any]:
        return [one[sorting], one[f"{kind}Name"]]

    wanted = sorted((one for one in described if is_wanted(one, kind, request)), key=place, reverse=backwards)
    if token := request.get("NextToken"):
        last = parse_token(token)
        wanted = [one for one in wanted if (place(one) < last if backwards else place(one) > last)]
    shown = wanted[: request.get("MaxResults", DEFAULT_PAGE)]
    return shown, make_token(place(shown[-1])) if len(shown) < len(wanted) else None


def is_wanted(one: Members, kind: str, request: Members) -> bool:
    created, modified = one["CreationTime"], one.get("LastModifiedTime", one["CreationTime"])
    status = one.get(f"{kind}Status")
    return (
        request.get("NameContains", "").lower() in one[f"{kind}Name"].lower()
        and request.get("StatusEquals", status) == status
        and request.get("CreationTimeAfter", -ENDLESS) < created < request.get("CreationTimeBefore", ENDLESS)
        and request.get("LastModifiedTimeAfter", -ENDLESS) < modified < request.get("LastModifiedTimeBefore", ENDLESS)
    )


def make_token(last: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(last).encode()).decode()


def parse_token(token: str) -> list[Any]:
    try:
        last: list[Any] = json.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise RefusedError("ValidationException", "Invalid NextToken.") from error
    return last


def pick(one: Members, *names: str) -> Members:
    return {name: one[name] for name in names if name in one}
